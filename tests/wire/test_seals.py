import json
from typing import Any

import pytest

from idetour.wire import raw, seals

OURS, THEIRS = "gAAAours==", "gAAAtheirs=="
USER = {"role": "user", "content": "hi"}
USE = {"type": "tool_use", "id": "t1", "name": "ls", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a.py"}]}
BUDGET = {"type": "enabled", "budget_tokens": 1024}


def item(seal: str | None = THEIRS, kind: str = "reasoning") -> dict[str, Any]:
    return {"type": kind, "summary": [], **({"encrypted_content": seal} if seal else {})}


def thinking(seal: str = THEIRS) -> dict[str, Any]:
    return {"type": "thinking", "thinking": "hm", "signature": seal}


def said(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


def without(**body: Any) -> Any:
    """The body without what is theirs; None where nothing of it is."""
    fields = raw.fields(json.dumps(body).encode())
    changed = seals.without(fields, lambda seal: seal == raw.of(THEIRS))
    return json.loads(raw.encode(fields)) if changed else None


def detailed(*details: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "hi", "reasoning": "hm", "reasoning_details": list(details)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"input": [item(OURS), item()]}, {"input": [item(OURS)]}),
        ({"messages": [USER, said(thinking(), USE)]}, {"messages": [USER, said(USE)]}),
        (
            {"messages": [said({"type": "redacted_thinking", "data": THEIRS}, thinking(OURS))]},
            {"messages": [said(thinking(OURS))]},
        ),
        (
            {"messages": [USER, said(thinking()), USER]},
            {"messages": [USER, USER]},
        ),  # nothing would be left of it
        (
            {"messages": [detailed({"type": "reasoning.text", "text": "hm"}, {"data": THEIRS})]},
            {"messages": [{"role": "assistant", "content": "hi", "reasoning": "hm"}]},
        ),
    ],
    ids=["responses", "thinking", "redacted", "alone", "details"],
)
def test_what_another_has_sealed_is_left_out(before: Any, after: Any) -> None:
    assert without(**before) == after


@pytest.mark.parametrize(
    "body",
    [
        {"input": "hi"},
        {"input": [item(OURS), item(None), USER]},
        {"input": [item(kind="compaction"), {"type": "function_call", "arguments": '{"signature":""}'}]},
        {"messages": [said(thinking(OURS), USE), detailed({"data": OURS})], "thinking": BUDGET},
        {"messages": [{"role": "user", "content": [thinking()]}]},  # a question about it
        {"messages": [{"role": "tool", "content": '"signature"', "tool_call_id": "c"}], "signature": THEIRS},
        {"messages": ["odd", said("odd"), {"signature": THEIRS}]},  # type: ignore[arg-type]  # on purpose
        {"messages": "odd"},
        {},
    ],
)
def test_all_else_stays(body: dict[str, Any]) -> None:
    assert without(**body) is None


@pytest.mark.parametrize(
    ("turns", "budget"),
    [
        ([said(thinking(), USE), RESULT], None),  # the call that is answered has lost its thought
        ([said(thinking(), USE), RESULT, said(thinking(OURS), USE), RESULT], BUDGET),
        ([said(thinking(), {"type": "text", "text": "hi"}), USER], BUDGET),
    ],
)
def test_a_call_without_its_thought_is_answered_without_thinking(turns: Any, budget: Any) -> None:
    assert without(messages=[USER, *turns], thinking=BUDGET).get("thinking") == budget


def test_who_thinks_as_it_likes_is_not_stopped() -> None:
    wish = {"type": "adaptive"}

    assert without(messages=[said(thinking(), USE), RESULT], thinking=wish)["thinking"] == wish


def calling(*seals: str | None) -> dict[str, Any]:
    """Calls of one turn, those with a seal as Gemini signs them."""
    calls = [{"id": f"c{n}", "function": {"name": "ls", "arguments": "{}"}} for n, _ in enumerate(seals)]
    google = [{"extra_content": {"google": {"thought_signature": seal}}} if seal else {} for seal in seals]
    return {
        "role": "assistant",
        "tool_calls": [call | extra for call, extra in zip(calls, google, strict=True)],
    }


NOBODYS = "skip_thought_signature_validator"


def test_googles_signature_has_a_word_in_its_place() -> None:
    turns = [USER, calling(THEIRS, None), calling(OURS)]

    assert without(messages=turns) == {"messages": [USER, calling(NOBODYS, None), calling(OURS)]}
    assert without(messages=[calling(NOBODYS), calling(OURS, OURS)]) is None


def test_calls_without_a_signature_get_that_word_one_for_each_turn() -> None:
    before = [USER, calling(None, None), calling(OURS, None), {"role": "tool", "content": "a"}, calling(None)]
    after = [
        USER,
        calling(NOBODYS, None),
        calling(OURS, None),
        {"role": "tool", "content": "a"},
        calling(NOBODYS),
    ]

    assert json.loads(bytes(seals.signed(raw.of(before)))) == after


def test_all_seals_of_a_message_are_its_authors() -> None:
    said = calling(OURS, None) | {"reasoning_details": [{"data": "a"}, {"text": "hm", "signature": "b"}]}

    assert list(seals.given(raw.fields(json.dumps(said).encode()))) == [
        raw.of(each) for each in ("a", "b", OURS)
    ]
    assert list(seals.given({})) == []


def test_all_seals_of_a_body_are_found() -> None:
    body = {
        "input": [item("a"), item("c", "compaction")],
        "messages": [said(thinking("b"), USE), detailed({"data": "d"})],
    }

    assert seals.all_in(json.dumps(body).encode()) == [raw.of(each) for each in "abd"]
    assert seals.all_in(b"{") == []
