import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idetour.wire.edits import Edits
from idetour.wire.think import TAGS
from wire.edited import cases, cut, put_together, relayed, stream, told


def modes(name: str) -> Edits:
    return Edits(think="opened" if name.startswith("opened") else "inline")


@cases("think")
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_reasoning_is_told_as_the_golden_case_says_wherever_the_text_is_cut(
    text: str, message: Any, data: st.DataObject, request: pytest.FixtureRequest
) -> None:
    pieces = data.draw(cut(text))

    assert told(*pieces, edits=modes(request.node.callspec.id)) == message


@given(text=st.text(st.characters(codec="utf-8")), data=st.data())
def test_no_text_is_lost_or_changed(text: str, data: st.DataObject) -> None:
    said = told(*data.draw(cut(text)), edits=Edits(think="inline"))
    if not any(text.lstrip().startswith(tag) for tag in TAGS):
        assert said.get("content", "") == text


def test_only_what_may_be_a_tag_is_held_back() -> None:
    out = relayed(stream("<think>Hm. </th", "at", finish=None), Edits(think="inline"))

    assert out.count(b'"Hm. "') == 1
    assert b'"</that"' in out


def test_what_is_held_goes_out_before_a_call_and_before_an_error() -> None:
    call = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "ls", "arguments": "{}"}}]}
    broken = stream("<thi", finish=None).replace(b"data: [DONE]", b'data: {"error":{"message":"no"}}')
    out = relayed(stream("<thi", call), Edits(think="inline"))

    assert out.index(b'"<thi"') < out.index(b'"tool_calls"')
    assert b'"<thi"' in relayed(broken, Edits(think="inline"))


def test_text_behind_the_thought_passes_as_it_came() -> None:
    odd = b'data: {"choices":[{"index":0,"delta": { "content": "\\u00e9" },"finish_reason":null}]}\n\n'
    out = relayed(
        stream("<think>Hm.</think>a", finish=None).removesuffix(b"data: [DONE]\n\n") + odd,
        Edits(think="inline"),
    )

    assert b'"delta": { "content": "\\u00e9" }' in out


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_a_thought_that_came_by_itself_is_not_told_again(key: str) -> None:
    """As MiniMax sends it: both ways at once."""
    said = told(
        {key: "Hm, ", "content": "<think>Hm, "},
        {key: "so.", "content": "so.</think>Yes."},
        edits=Edits(think="inline"),
    )

    assert said["content"] == "Yes."
    assert said.get("reasoning_content", "Hm, so.") == "Hm, so."


def test_an_answer_whose_thought_the_server_divides_does_not_begin_inside() -> None:
    said = told({"reasoning_content": "Hm."}, "Yes.", edits=Edits(think="opened"))

    assert said == {"reasoning_content": "Hm.", "content": "Yes.", "finish": "stop"}


def test_each_choice_has_a_thought_of_its_own() -> None:
    choices = [
        {"index": at, "delta": {"content": f"<think>{at}</think>{at}"}, "finish_reason": "stop"}
        for at in (0, 1)
    ]
    out = relayed(
        b"data: " + json.dumps({"choices": choices}).encode() + b"\n\ndata: [DONE]\n\n", Edits(think="inline")
    )

    assert out.count(b'"reasoning_content":"1"') == 1
    assert put_together(out)["message"] == {"role": "assistant", "content": "0", "reasoning_content": "0"}


def test_an_emoji_cut_in_two_becomes_whole() -> None:
    said = stream("<think>").removesuffix(b"data: [DONE]\n\n").rpartition(b"data: ")[0]
    halves = [
        b'data: {"choices":[{"index":0,"delta":{"content":"\\u%b"}}]}\n\n' % half
        for half in (b"d83d", b"de00")
    ]

    assert (
        put_together(relayed(said + b"".join(halves) + b"data: [DONE]\n\n", Edits(think="inline")))[
            "message"
        ]["reasoning_content"]
        == "😀"
    )
