import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idetour.errors import openai_event
from idetour.wire import responses_tools, sse
from idetour.wire.chunks import Relay
from idetour.wire.completion import Collector
from idetour.wire.raw import of
from idetour.wire.responses_object import Frame
from idetour.wire.responses_stream import NATIVE, Teller
from idetour.wire.responses_up_stream import ChatStream
from idetour.wire.responses_up_whole import completion
from wire.up_golden import CUTS, DAMAGE, assembled, cases, completed, cut, damaged, each, relayed, told

STREAMS = {name: given.encode() + b"\n\n" for name, (given, _) in cases("responses_up", "streams").items()}
BROKEN = {"broken-off", "failed", "error-at-once", "error-without-words", "garbage"}
WELL = {name: stream for name, stream in STREAMS.items() if name not in BROKEN}


def passed_on(stream: bytes) -> list[dict[str, Any]]:
    """What a client that speaks Responses hears, through the gateway."""
    ours = {"model": of("asked"), "previous_response_id": of(None), "store": of(True)}
    teller = Teller(Frame("resp_ours", ours), responses_tools.Toolbox())
    relay = Relay(model="asked", include_usage=True, id="c", created=1)
    chat = relay.feed(told(ChatStream(carry=True), stream).encode()) + relay.end()
    heard = teller.feed(chat + (openai_event(relay.error) if relay.error else b"")) + teller.end()
    return [json.loads(each.data) for each in sse.Reader().feed(heard)]


@each("responses_up", "streams")
def test_events_become_the_chat_stream_that_the_golden_case_has(given: str, wanted: str) -> None:
    assert told(ChatStream(), given.encode() + b"\n\n").strip() == wanted


@given(st.sampled_from([*STREAMS.values()]), CUTS, st.sampled_from([b"\n", b"\r\n"]))
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_it_gives_the_same_chunks(stream: bytes, cuts: list[int], end: bytes) -> None:
    whole = told(ChatStream(), stream)
    assert told(ChatStream(), *cut(stream.replace(b"\n", end), cuts)) == whole


@given(st.sampled_from([*STREAMS.values()]), DAMAGE)
@settings(max_examples=300, deadline=None)
def test_a_damaged_stream_ends_well_or_in_an_error(stream: bytes, damage: list[tuple[int, bytes]]) -> None:
    relay = relayed(told(ChatStream(), damaged(stream, damage)))
    assert relay.done != bool(relay.error)
    last = passed_on(damaged(stream, damage))[-1]["type"]
    assert last in ("response.completed", "response.incomplete", "response.failed")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_does_not_look_finished(name: str) -> None:
    relay = relayed(told(ChatStream(), STREAMS[name]))
    assert relay.error is not None
    assert relay.finish is None


@pytest.mark.parametrize(("name", "status"), [("failed", 429), ("error-at-once", 400)])
def test_an_error_keeps_its_meaning_for_the_gateway(name: str, status: int) -> None:
    error = relayed(told(ChatStream(), STREAMS[name])).error
    assert error is not None
    assert error.status == status


@pytest.mark.parametrize("stream", WELL.values(), ids=WELL.keys())
def test_openais_sdk_makes_of_it_what_it_makes_of_the_whole_response(stream: bytes) -> None:
    last = json.loads(stream.replace(b"data: [DONE]\n\n", b"").rstrip().rpartition(b"data: ")[2])
    whole = completion(json.dumps(last["response"]).encode())
    if b"custom" not in stream:  # in a stream, the SDK knows functions alone
        assert assembled(told(ChatStream(), stream)) == completed(whole)


@pytest.mark.parametrize("stream", WELL.values(), ids=WELL.keys())
def test_events_that_are_carried_arrive_as_they_were_but_for_whose_they_are(stream: bytes) -> None:
    before = [json.loads(each.data) for each in sse.Reader().feed(stream) if each.data != b"[DONE]"]
    for event in before:
        if "response" in event:
            event["response"] |= {
                "id": "resp_ours",
                "model": "asked",
                "previous_response_id": None,
                "store": True,
            }
    assert passed_on(stream) == before


@pytest.mark.parametrize("told_once", [False, True])
@pytest.mark.parametrize("stream", WELL.values(), ids=WELL.keys())
def test_a_client_that_wants_it_whole_gets_the_response(stream: bytes, told_once: bool) -> None:
    """Also where its items were told by events of their own, and not once more in the last one."""
    events = [json.loads(each.data) for each in sse.Reader().feed(stream) if each.data != b"[DONE]"]
    wanted = json.loads(json.dumps(events[-1]["response"]))
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    if told_once:
        events[-1]["response"]["output"] = [] if done == wanted["output"] else wanted["output"]
    collector = Collector(model="asked", id="c", created=1)
    again = b"".join(sse.encode(json.dumps(each).encode()) for each in events)
    collector.feed(told(ChatStream(carry=True, whole=True), again).encode())
    assert json.loads(collector.result())[NATIVE] == wanted


def test_an_answer_that_fails_half_way_keeps_what_was_whole() -> None:
    """A client that hears the upstream's own events hears the end from us, with the number that comes next."""
    stream = STREAMS["reasoning-text-calls"]
    events = sse.Reader().feed(stream)
    half = b"".join(sse.encode(each.data, each.name) for each in events[:10])
    *_, error, failed = passed_on(half)
    assert (error["type"], error["sequence_number"]) == ("error", 10)
    assert failed["type"] == "response.failed"
    assert [item["type"] for item in failed["response"]["output"]] == ["reasoning", "message"]
