"""The oldest tool results go first, in all three protocols, and everything else stays as it is."""

import json
from typing import Any

import pytest

from idetour.wire import estimate, raw
from idetour.wire.trim import excess, trimmed

LONG = "line of output, 42; " * 200  # about a thousand tokens
ASKED: dict[str, Any] = {"role": "user", "content": "Fix the build. " * 100}


def chat(rounds: int) -> list[dict[str, Any]]:
    return [ASKED, *(each for n in range(rounds) for each in (called(n), result(n)))]


def called(n: int) -> dict[str, Any]:
    call = {"id": f"call_{n}", "type": "function", "function": {"name": "sh", "arguments": "{}"}}
    return {"role": "assistant", "content": "thinking aloud " * 50, "tool_calls": [call]}


def result(n: int) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call_{n}", "content": f"{n}: {LONG}"}


def body(messages: Any, **more: Any) -> raw.Fields:
    return raw.fields(json.dumps({"messages": messages, **more}).encode())


def contents(fields: raw.Fields) -> list[Any]:
    return [each.get("content") for each in json.loads(bytes(fields["messages"])) if each["role"] == "tool"]


def left(content: Any) -> bool:
    return "was left out" in str(content)


def test_the_oldest_results_go_first_and_only_as_many_as_are_needed() -> None:
    fields, results = trimmed(body(chat(6)), 2000)
    assert (results, [left(each) for each in contents(fields)]) == (
        2,
        [True, True, False, False, False, False],
    )


def test_all_but_results_stays_as_it_was() -> None:
    before = chat(6)
    after = json.loads(bytes(trimmed(body(before), 100_000)[0]["messages"]))
    assert [{**each, "content": ""} for each in before] == [{**each, "content": ""} for each in after]
    assert [each for each in before if each["role"] != "tool"] == [
        each for each in after if each["role"] != "tool"
    ]


def test_the_newest_results_stay_however_much_is_asked_for() -> None:
    together = [*chat(2), called(2), result(2), result(3)]
    fields, _ = trimmed(body(together), 100_000)
    assert [left(each) for each in contents(fields)] == [True, True, False, False]
    assert trimmed(body([ASKED, called(0), result(0)]), 100_000)[1] == 0


def test_results_stay_new_while_the_user_says_something() -> None:
    fields, _ = trimmed(body([*chat(2), ASKED]), 100_000)
    assert [left(each) for each in contents(fields)] == [True, False]


def test_a_short_result_is_not_worth_it() -> None:
    short = {**result(0), "content": "ok"}
    fields, results = trimmed(body([ASKED, called(0), short, called(1), result(1)]), 100_000)
    assert (results, contents(fields)[0]) == (0, "ok")


def test_what_was_won_makes_the_request_fit() -> None:
    before = body(chat(20))
    most = estimate.tokens(before) * 2 // 3
    after, _ = trimmed(before, excess(before, most))
    assert estimate.tokens(after) <= most


def test_the_cut_does_not_move_with_every_turn() -> None:
    most = estimate.tokens(body(chat(20)))
    cuts = [trimmed(body(chat(n)), excess(body(chat(n)), most))[1] for n in range(20, 41)]
    assert (cuts[0], cuts[-1] > 15, len(set(cuts))) == (0, True, 5)


def test_what_fits_is_not_looked_at() -> None:
    assert excess(body(chat(2)), 1_000_000) == 0


def test_what_has_no_results_stays_as_it_is() -> None:
    embedding = raw.fields(json.dumps({"input": ["embed me " * 100]}).encode())
    assert trimmed(embedding, excess(embedding, 1)) == (embedding, 0)


def test_results_of_messages_are_parts_of_the_users_turns() -> None:
    def turn(n: int) -> list[dict[str, Any]]:
        use = {"type": "tool_use", "id": f"toolu_{n}", "name": "sh", "input": {}}
        said = {
            "type": "tool_result",
            "tool_use_id": f"toolu_{n}",
            "content": [{"type": "text", "text": LONG}],
        }
        note = {"type": "text", "text": "keep me", "cache_control": {"type": "ephemeral"}}
        return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [said, note]}]

    fields, results = trimmed(body([ASKED, *turn(0), *turn(1)]), 500)
    old, new = (each["content"] for each in json.loads(bytes(fields["messages"]))[2::2])
    assert (results, left(old[0]), old[1]["text"], new[0]["content"][0]["text"]) == (1, True, "keep me", LONG)
    assert (old[0]["tool_use_id"], old[1]["cache_control"]) == ("toolu_0", {"type": "ephemeral"})


def test_results_of_responses_are_items() -> None:
    def turn(n: int) -> list[dict[str, Any]]:
        call = {"type": "function_call", "call_id": f"call_{n}", "name": "sh", "arguments": "{}"}
        return [call, {"type": "function_call_output", "call_id": f"call_{n}", "output": LONG}]

    items = [{"role": "user", "content": "go"}, *turn(0), *turn(1)]
    fields, results = trimmed(raw.fields(json.dumps({"input": items}).encode()), 500)
    outputs = [each["output"] for each in json.loads(bytes(fields["input"])) if "output" in each]
    assert (results, [left(each) for each in outputs]) == (1, [True, False])


def test_a_pictures_data_does_not_count_as_text() -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 20_000}
    seen = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": picture}]}
    messages = [
        ASKED,
        {"role": "assistant", "content": []},
        {"role": "user", "content": [seen]},
        {"role": "assistant", "content": []},
        {"role": "user", "content": [seen]},
    ]
    assert trimmed(body(messages), 1000)[1] == 0


@pytest.mark.parametrize("messages", ["text", ["no object"], [{"role": "tool"}], None])
def test_what_cannot_be_read_is_left_to_who_has_to(messages: Any) -> None:
    fields = body(messages)
    assert trimmed(fields, 1000) == (fields, 0)
