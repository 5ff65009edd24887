import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from idetour.wire import repair
from idetour.wire.chunks import Relay
from idetour.wire.edits import Edits
from idetour.wire.messages_stream import MessageStream
from idetour.wire.sse import DONE
from wire import messages_golden
from wire.edited import OFFERED, cases, cut, put_together, relayed, stream, told

LS = '<tool_call>{"name":"ls","arguments":{}}</tool_call>'


def edits() -> Edits:
    return Edits(offered=OFFERED)


@cases("repair")
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_text_becomes_calls_as_the_golden_case_says_wherever_it_is_cut(
    text: str, message: Any, data: st.DataObject
) -> None:
    assert told(*data.draw(cut(text)), edits=edits()) == message


@cases("repair")
def test_the_openai_sdk_reads_every_repaired_stream(text: str, message: Any) -> None:
    state = ChatCompletionStreamState()
    for event in relayed(stream(*text), edits()).split(b"\n\n")[:-2]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(event.removeprefix(b"data: ")))
    choice = state.get_final_completion().choices[0]
    calls = choice.message.tool_calls or []

    assert choice.finish_reason == message["finish"]
    assert (choice.message.content or "") == message.get("content", "")
    assert [[call.function.name, call.function.arguments] for call in calls] == message.get("calls", [])
    assert len({call.id for call in calls}) == len(calls)


@cases("repair")
def test_without_tools_nothing_is_repaired(text: str, message: Any) -> None:
    assert told(text, edits=Edits(offered={})) == {"content": text, "finish": "stop"}


MARKS = [
    "<tool_call>", "</tool_call>", "<function=ls>", "</function>", "[TOOL_CALLS]", "```json", "```",
    "{", "}", '"name":"ls"', '"arguments":{}', ",", " ", "\n", "x",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(text=st.lists(st.sampled_from(MARKS), max_size=10).map("".join), data=st.data())
def test_what_is_no_call_is_given_out_unchanged_and_all_cuts_are_alike(
    text: str, data: st.DataObject
) -> None:
    said = told(*data.draw(cut(text)), edits=edits())

    assert said == told(text, edits=edits())
    if "calls" not in said:
        assert said.get("content", "") == text


def test_text_streams_on_while_no_mark_begins() -> None:
    out = relayed(
        stream("I look. <b", " a[0] ", "<tool_c", finish=None).removesuffix(b"data: [DONE]\n\n"), edits()
    )

    assert b'"I look. <b"' in out
    assert b'" a[0] "' in out
    assert out.index(b'" a[0] "') < out.index(b'"<tool_c"')


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_a_call_that_was_cut_off_is_no_call(finish: str) -> None:
    text = '<tool_call>{"name":"write","arguments":{"text":"a"}'

    assert told(text, edits=edits(), finish=finish) == {"content": text, "finish": finish}


def test_a_call_in_text_and_one_beside_it_are_two() -> None:
    native = {
        "tool_calls": [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
        ]
    }
    calls = put_together(relayed(stream(LS, native, finish="tool_calls"), edits()))["message"]["tool_calls"]

    assert [call["id"] for call in calls] == ["call_ours00", "c1"]


def test_the_models_own_id_is_kept() -> None:
    text = '[TOOL_CALLS][{"name":"ls","arguments":{},"id":"abcdefghi"}]'

    assert put_together(relayed(stream(text), edits()))["message"]["tool_calls"][0]["id"] == "abcdefghi"


def test_arguments_that_came_broken_are_mended_while_they_stream() -> None:
    pieces = ['{"path": "a', "\nb", '", "raw": Tr', "ue,", "}"]
    first = {
        "tool_calls": [
            {"index": 0, "id": "c1", "type": "function", "function": {"name": "read", "arguments": ""}}
        ]
    }
    rest = [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    made = edits()
    said = told(first, *rest, edits=made, finish="tool_calls")

    assert said["calls"] == [["read", '{"path": "a\\nb", "raw": true}']]
    assert (made.found, made.mended, made.unreadable) == (0, 1, 0)


def test_what_was_repaired_is_counted_and_noted_once() -> None:
    notes: list[str] = []
    made = Edits(offered=OFFERED, note=notes.append)
    bad = {"tool_calls": [{"index": 7, "id": "c1", "function": {"name": "ls", "arguments": "-l"}}]}
    relayed(stream(LS, LS, bad), made)

    assert (made.found, made.mended, made.unreadable) == (2, 0, 1)
    assert notes == ["repaired 2 tool calls", "1 tool call with unreadable arguments"]


def test_an_answer_that_needs_no_repair_is_not_noted() -> None:
    notes: list[str] = []
    relayed(stream("Hello"), Edits(offered=OFFERED, note=notes.append))

    assert notes == []


def test_a_text_full_of_marks_is_left_alone_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "MOST_REJECTED", 3)

    assert told("<tool_call>x" * 5 + LS, edits=edits()) == {
        "content": "<tool_call>x" * 5 + LS,
        "finish": "stop",
    }


def test_a_notation_without_end_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "LONGEST", 300)
    text = '<tool_call>{"name":"write","arguments":{"text":"' + 300 * "a"
    relay = Relay(model="asked", include_usage=True, id="chatcmpl-ours", created=1, edits=edits())

    assert b"aaaa" in relay.feed(stream(*text, finish=None).removesuffix(DONE))


@cases("repair")
def test_the_anthropic_sdk_reads_every_repaired_stream_too(text: str, message: Any) -> None:
    client = MessageStream(model="asked", id="msg_ours")
    made = messages_golden.message(client.feed(relayed(stream(*text), edits())) + client.end())
    assert made is not None
    uses = [(block.name, block.input) for block in made.content if block.type == "tool_use"]

    assert uses == [(name, json.loads(arguments)) for name, arguments in message.get("calls", [])]
    assert made.stop_reason == ("tool_use" if uses else "end_turn")


def test_a_long_call_in_small_pieces_is_read_once() -> None:
    inside = json.dumps({"name": "write", "arguments": {"text": 60_000 * "a b"}})
    text = f"<tool_call>{inside}</tool_call>"
    said = told(*(text[at : at + 20] for at in range(0, len(text), 20)), edits=edits())

    assert len(said["calls"][0][1]) > 180_000
