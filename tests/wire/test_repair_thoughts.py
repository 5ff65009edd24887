import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idetour.wire import repair_thoughts
from idetour.wire.completion import edited
from idetour.wire.edits import Edits
from wire.edited import OFFERED, brief, cut, put_together, relayed, stream, told

READ = '<tool_call>\n{"name": "read", "arguments": {"path": "a"}}\n</tool_call>'
LS = "<function=ls></function>"
NATIVE = {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "ls"}}]}


def edits(**how: Any) -> Edits:
    return Edits(offered=OFFERED, **how)


def thought(text: str, name: str = "reasoning_content") -> dict[str, str]:
    return {name: text}


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_call_at_the_end_of_thoughts_is_called_wherever_it_is_cut(name: str, data: st.DataObject) -> None:
    pieces = data.draw(cut(f"I have to look. {READ}\n\n"))
    choice = put_together(relayed(stream(*(thought(each, name) for each in pieces)), edits()))

    assert choice["message"][name] == f"I have to look. {READ}\n\n"  # it was told already
    assert brief(choice)["calls"] == [["read", '{"path": "a"}']]
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        (f"First.{READ}\n{LS}", [["read", '{"path": "a"}'], ["ls", "{}"]]),
        (f"Perhaps {READ}? No: {LS}", [["ls", "{}"]]),
        ('So:\n```json\n{"name": "ls", "arguments": {}}\n```', [["ls", "{}"]]),
        ("[TOOL_CALLS]ls[ARGS]{}", [["ls", "{}"]]),
    ],
)
def test_what_was_considered_before_is_no_call(text: str, calls: list[list[str]]) -> None:
    made = edits()

    assert told(thought(text), edits=made)["calls"] == calls
    assert made.found == len(calls)


@pytest.mark.parametrize(
    "text",
    [
        f"{READ} would do. I wait.",
        f"{READ} and {LS} hm",
        "<tool_call>{'name': 'rm', 'arguments': {}}</tool_call>",  # nobody offered that
        f"An example:\n```\n{LS}\n```",
        "I think of nothing.",
        "",
    ],
)
def test_thoughts_that_do_not_end_with_a_call_stay_thoughts(text: str) -> None:
    assert told(thought(text), edits=edits()) == {
        **({"reasoning_content": text} if text else {}),
        "finish": "stop",
    }


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("other", [{"content": "Done."}, NATIVE])
def test_whoever_answers_or_calls_means_that(other: dict[str, Any], before: bool) -> None:
    said = [other, thought(READ)] if before else [thought(READ), other]

    assert told(*said, edits=edits()).get("calls", []) == ([["ls", "{}"]] if other is NATIVE else [])


def test_a_call_in_the_answer_is_told_once() -> None:
    assert told(thought(READ), READ, edits=edits())["calls"] == [["read", '{"path": "a"}']]


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_thoughts_that_were_cut_off_call_nothing(finish: str) -> None:
    assert told(thought(READ), edits=edits(), finish=finish) == {"reasoning_content": READ, "finish": finish}


def test_a_stream_that_broke_off_calls_nothing() -> None:
    broken = stream(thought(READ), finish=None).removesuffix(b"data: [DONE]\n\n")

    assert b"tool_calls" not in relayed(broken, edits())


@pytest.mark.parametrize("closing", ["", "</think>", "</think>\n\n"])
def test_thoughts_that_stood_in_the_text_are_looked_at_too(closing: str) -> None:
    said = told(f"<think>Look. {READ}{closing}", edits=edits(think="inline"))

    assert said["calls"] == [["read", '{"path": "a"}']]
    assert said["reasoning_content"].startswith("Look. ")
    assert "content" not in said


def test_a_whole_answer_is_repaired_alike() -> None:
    message = {"role": "assistant", "content": "", "reasoning_content": READ}
    body = json.dumps({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    choice = json.loads(edited(body.encode(), edits(), model="m", id="chatcmpl-1", created=1))["choices"][0]

    assert brief(choice) == {
        "reasoning_content": READ,
        "calls": [["read", '{"path": "a"}']],
        "finish": "tool_calls",
    }


def test_only_the_last_thoughts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair_thoughts, "LONGEST", 100)

    assert told(*map(thought, ["x" * 90, "y" * 20, READ]), edits=edits())["calls"]
    assert told(thought("x" * 200 + READ), edits=edits())["calls"]
    assert "calls" not in told(thought(READ.replace('"a"', '"' + 100 * "a" + '"')), edits=edits())
