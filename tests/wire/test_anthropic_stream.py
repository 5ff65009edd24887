import json
from itertools import pairwise
from typing import Any

import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from idetour.wire import sse
from idetour.wire.anthropic_stream import ChatStream
from idetour.wire.anthropic_whole import completion
from idetour.wire.chunks import Relay
from idetour.wire.completion import Collector
from idetour.wire.messages_stream import NATIVE, MessageStream
from wire.messages_golden import cases, each, events, message, well_formed

STREAMS = {name: given.encode() + b"\n\n" for name, (given, _) in cases("chat_stream").items()}
WELL = {name: stream for name, stream in STREAMS.items() if cases("chat_stream")[name][1].endswith("[DONE]")}

STRANGE = {"events-unknown-ignored", "server-tools-ignored", "stop-unknown"}  # to Anthropic's SDK


def chat(*chunks: bytes, carry: bool = False) -> bytes:
    stream = ChatStream(carry=carry)
    return b"".join([*(stream.feed(chunk) for chunk in chunks), stream.end()])


def relayed(stream: bytes) -> tuple[bytes, Relay]:
    """What the gateway makes of it, as of any upstream's."""
    relay = Relay(model="asked", include_usage=True, id="c", created=1)
    return relay.feed(stream) + relay.end(), relay


def told(stream: bytes, *, carry: bool) -> bytes:
    """To a client that speaks Messages, through Chat and back."""
    out = MessageStream(model="asked", id="msg_ours")
    return out.feed(relayed(chat(stream, carry=carry))[0]) + out.end()


@each("chat_stream")
def test_events_become_the_chat_stream_that_the_golden_case_has(given: str, wanted: str) -> None:
    assert chat(given.encode() + b"\n\n").decode().strip() == wanted


@given(
    st.sampled_from([*STREAMS.values()]), st.lists(st.integers(0, 2000)), st.sampled_from([b"\n", b"\r\n"])
)
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_it_gives_the_same_chunks(stream: bytes, cuts: list[int], end: bytes) -> None:
    whole = chat(stream)
    stream = stream.replace(b"\n", end)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    assert chat(*(stream[start:stop] for start, stop in pairwise(places))) == whole


@given(
    st.sampled_from([*STREAMS.values()]),
    st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), max_size=6),
)
@settings(max_examples=300, deadline=None)
def test_a_damaged_stream_ends_well_or_in_an_error(stream: bytes, damage: list[tuple[int, bytes]]) -> None:
    for place, bytes_ in damage:
        at = place % (len(stream) + 1)
        stream = stream[:at] + bytes_ + stream[at + len(bytes_) :]
    for carry in (False, True):
        relay = relayed(chat(stream, carry=carry))[1]
        assert relay.done != bool(relay.error)
        kinds = [event["type"] for event in events(told(stream, carry=carry)) if event["type"] != "ping"]
        assert kinds[-1] in ("message_stop", "error")
        assert kinds[0] in ("message_start", "error")
        assert carry or well_formed(told(stream, carry=False))


@given(st.sampled_from([*STREAMS.values()]), st.data())
@settings(max_examples=200, deadline=None)
def test_events_that_come_twice_or_out_of_order_do_no_harm(stream: bytes, data: st.DataObject) -> None:
    parts = stream.rstrip(b"\n").split(b"\n\n")
    mixed = data.draw(st.lists(st.sampled_from(parts), max_size=12))
    for carry in (False, True):
        kinds = [event["type"] for event in events(told(b"\n\n".join([*mixed, b""]), carry=carry))]
        assert [kind for kind in kinds if kind != "ping"][-1] in ("message_stop", "error")
        assert kinds.count("message_start") <= 1


@pytest.mark.parametrize("stream", WELL.values(), ids=WELL.keys())
def test_openais_sdk_puts_the_answer_together(stream: bytes) -> None:
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for event in sse.Reader().feed(relayed(chat(stream))[0]):
        if event.data != b"[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate_json(event.data))
    whole = state.current_completion_snapshot
    for call in whole.choices[0].message.tool_calls or []:
        json.loads(call.function.arguments)


@pytest.mark.parametrize(
    "name",
    ["error-at-once", "error-after-content", "garbage", "end-inside-a-block", "end-without-message-delta"],
)
def test_a_broken_answer_does_not_look_finished(name: str) -> None:
    out, relay = relayed(chat(STREAMS[name]))
    assert relay.error is not None
    assert b"[DONE]" not in out
    assert b'"finish_reason":"' not in out


@pytest.mark.parametrize(("name", "status"), [("error-at-once", 503), ("error-after-content", 429)])
def test_an_error_keeps_its_meaning_for_the_gateway(name: str, status: int) -> None:
    error = relayed(chat(STREAMS[name]))[1].error
    assert error is not None
    assert error.status == status


@pytest.mark.parametrize("stream", WELL.values(), ids=WELL.keys())
def test_events_that_are_carried_arrive_as_they_were_but_for_the_model(stream: bytes) -> None:
    before = [json.loads(each.data) for each in sse.Reader().feed(stream)]
    before[0]["message"]["model"] = "asked"
    after = events(told(stream, carry=True))
    until = next((n for n, each in enumerate(before) if each["type"] == "message_stop"), len(before) - 1)
    assert after == [
        *before[: until + 1],
        *([{"type": "message_stop"}] if before[until]["type"] != "message_stop" else []),
    ]


def collected(stream: bytes) -> Collector:
    """For a client that speaks Messages and wants its answer whole."""
    machine = ChatStream(carry=True, whole=True)
    collector = Collector(model="asked", id="c", created=1)
    collector.feed(machine.feed(stream) + machine.end())
    collector.end()
    return collector


@pytest.mark.parametrize("name", sorted(WELL.keys() - STRANGE))
def test_a_client_that_wants_it_whole_gets_what_anthropics_sdk_makes_of_the_events(name: str) -> None:
    wanted = message(told(STREAMS[name], carry=True))
    assert wanted is not None
    made = json.loads(collected(STREAMS[name]).result())[NATIVE] | {"model": "asked"}
    assert Message.model_validate(made).model_dump(exclude_none=True) == wanted.model_dump(exclude_none=True)


@given(st.sampled_from([*STREAMS.values()]), st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_stream_makes_a_message_or_an_error(stream: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(stream)))
        stream = stream[:at] + data.draw(st.binary(max_size=3)) + stream[at + 2 :]
    collector = collected(stream)
    assert collector.done != bool(collector.error)
    assert collector.error or json.loads(collector.result())[NATIVE]["content"] is not None


@pytest.mark.parametrize(
    "name",
    ["thinking-text-tool", "thinking-twice", "thinking-redacted", "thinking-omitted", "tools-parallel"],
)
def test_through_chat_and_back_nothing_is_lost_that_both_can_say(name: str) -> None:
    direct, through = (message(told(STREAMS[name], carry=carry)) for carry in (True, False))
    assert direct is not None
    assert through is not None
    assert (through.content, through.stop_reason) == (direct.content, direct.stop_reason)
    assert through.usage.output_tokens == direct.usage.output_tokens


@pytest.mark.parametrize(
    "name", ["text", "thinking-text-tool", "thinking-redacted", "tools-parallel", "stop-max-tokens"]
)
def test_a_stream_and_a_whole_message_say_the_same(name: str) -> None:
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for event in sse.Reader().feed(relayed(chat(STREAMS[name]))[0]):
        if event.data != b"[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate_json(event.data))
    streamed = json.loads(state.current_completion_snapshot.model_dump_json(exclude_none=True))
    read = message(told(STREAMS[name], carry=True))
    assert read is not None
    whole = json.loads(completion(read.model_dump_json(exclude_none=True).encode(), created=1))
    for said in (streamed, whole):
        for call in said["choices"][0]["message"].get("tool_calls", []):
            call["function"] = {name: call["function"][name] for name in ("name",)} | {
                "input": json.loads(call["function"]["arguments"])
            }
            call.pop("index", None)
    known = {name: value for name, value in whole["choices"][0]["message"].items() if value is not None}
    assert {name: streamed["choices"][0]["message"].get(name) for name in known} == known
    assert streamed["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
