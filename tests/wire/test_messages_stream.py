import json
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idetour.wire.completion import explode
from idetour.wire.messages_stream import PING
from wire.golden import CASES
from wire.messages_golden import cases, each, events, machine, message, told, well_formed

STREAMS = {name: given.encode() + b"\n\n" for name, (given, _) in cases("stream").items()}
EVERY = [*STREAMS.values(), *(case.upstream for case in CASES.values())]


@each("stream")
def test_a_chat_stream_becomes_the_events_that_the_golden_case_has(given: str, wanted: str) -> None:
    assert told(given.encode() + b"\n\n").decode().strip() == wanted


@pytest.mark.parametrize("stream", EVERY)
def test_blocks_follow_each_other_and_the_message_ends_once(stream: bytes) -> None:
    assert well_formed(told(stream))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_anthropics_sdk_reads_every_event(stream: bytes) -> None:
    read = message(told(stream))
    assert read is None or read.model == "asked"


@given(st.sampled_from(EVERY), st.lists(st.integers(0, 2000)), st.sampled_from([b"\n", b"\r", b"\r\n"]))
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_it_gives_the_same_events(stream: bytes, cuts: list[int], end: bytes) -> None:
    whole = told(stream)
    stream = stream.replace(b"\n", end)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    assert told(*(stream[start:stop] for start, stop in pairwise(places))) == whole


@given(st.sampled_from(EVERY), st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_damaged_stream_still_has_a_well_formed_end(stream: bytes, damage: list[tuple[int, bytes]]) -> None:
    for place, bytes_ in damage:
        at = place % (len(stream) + 1)
        stream = stream[:at] + bytes_ + stream[at + len(bytes_) :]
    assert well_formed(told(stream))


@pytest.mark.parametrize(("given", "wanted"), cases("whole").values(), ids=cases("whole").keys())
def test_a_stream_and_a_whole_answer_say_the_same(given: str, wanted: str) -> None:
    if not wanted.startswith("{") or "_raw" in wanted:
        return
    streamed = message(told(explode(given.encode(), model="m", id="c", created=1, include_usage=True)))
    assert streamed is not None
    known = streamed.model_dump(exclude_none=True, exclude={"usage": {"cache_creation"}})
    read = json.loads(wanted)
    assert {name: value for name, value in read.items() if value is not None} == known


def test_nothing_follows_an_error() -> None:
    stream = machine()
    stream.feed(b'data: {"error":{"message":"boom"}}\n\n')
    assert stream.feed(STREAMS["text"]) + stream.end() + stream.end() == b""


def test_nothing_follows_the_end() -> None:
    stream = machine()
    stream.feed(STREAMS["text"])
    assert stream.feed(STREAMS["text"]) + stream.end() == b""


def test_the_first_event_tells_an_estimate_and_the_last_one_the_truth() -> None:
    read = events(told(STREAMS["usage-after-finish"]))
    assert (read[0]["message"]["usage"]["input_tokens"], read[-2]["usage"]["input_tokens"]) == (11, 60)


def test_a_piece_of_text_goes_on_at_once() -> None:
    stream = machine()
    stream.feed(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    assert b'"text":"b"' in stream.feed(b'data: {"choices":[{"index":0,"delta":{"content":"b"}}]}\n\n')


def test_arguments_go_on_as_they_come_while_nothing_else_does() -> None:
    stream = machine()
    piece = '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0%s"function":{%s"arguments":%s}}]}}]}'
    start = piece % (',"id":"a",', '"name":"ls",', '"{\\"a\\":"')
    assert b'partial_json":"{\\"a\\":"' in stream.feed(f"data: {start}\n\n".encode())
    assert b'partial_json":"1' in stream.feed(f"data: {piece % (',', '', '"1"')}\n\n".encode())


def test_a_signature_is_never_made_up() -> None:
    for stream in EVERY:
        signatures = re.findall(rb'"signature_delta","signature":"([^"]*)"', told(stream))
        assert all(signature in stream for signature in signatures)


def test_a_ping_has_its_name() -> None:
    assert PING == b'event: ping\ndata: {"type":"ping"}\n\n'
