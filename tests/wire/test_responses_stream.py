import json
import random
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from idetour.errors import UpstreamError
from idetour.wire import raw, sse
from idetour.wire.completion import Collector
from idetour.wire.responses_object import frame
from idetour.wire.responses_stream import Teller, whole
from idetour.wire.responses_tools import Toolbox
from wire import golden
from wire.responses_golden import STREAMS, Case, teller

each_case = pytest.mark.parametrize("case", STREAMS.values(), ids=STREAMS.keys())
LAST = ("response.completed", "response.incomplete", "response.failed")
# Half an emoji in a delta is what its own relay sends, and what no parser of the SDK takes.
HALVES = {"emoji-cut-in-two"}
ADAPTER: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


FRAME = frame("resp_1", {}, model="m", created=1)  # with all members that typed clients insist on


def typed() -> Teller:
    return Teller(FRAME, Toolbox())


def events(told: bytes) -> list[dict[str, Any]]:
    """The events, each of which is named twice and alike."""
    made = []
    for block in told.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        made.append(json.loads(data.removeprefix("data: ")))
        assert f"event: {made[-1]['type']}" == name
    return made


def finished(told: list[dict[str, Any]]) -> dict[str, Any]:
    return cast(dict[str, Any], told[-1]["response"])


@each_case
def test_a_stream_is_told_as_the_golden_case_says(case: Case) -> None:
    telling, stream = teller(case.given)

    assert case.expected == (telling.feed(stream) + telling.end()).decode().rstrip("\n")


@each_case
@settings(max_examples=15, deadline=None)
@given(data=st.data(), line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_the_same_is_told_wherever_the_bytes_are_cut(
    case: Case, data: st.DataObject, line_end: bytes
) -> None:
    telling, stream = teller(case.given)
    text = stream.replace(b"\n", line_end)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    told = [telling.feed(text[a:b]) for a, b in pairwise([0, *sorted(places), len(text)])]

    assert case.expected == b"".join([*told, telling.end()]).decode().rstrip("\n")


@each_case
def test_events_are_numbered_and_each_item_keeps_its_place_and_id(case: Case) -> None:
    told = events(case.expected.encode() + b"\n\n")
    places: dict[str, int] = {}

    assert [*range(len(told))] == [event["sequence_number"] for event in told]
    assert [event["type"] for event in told if event["type"] in LAST] == [told[-1]["type"]]
    for event in told:
        if id := event.get("item_id") or event.get("item", {}).get("id"):
            assert places.setdefault(id, event["output_index"]) == event["output_index"]
    assert list(places) == [item["id"] for item in finished(told)["output"]]
    assert len(places) == len(set(places.values()))


@each_case
def test_no_delta_comes_before_its_item_or_after_its_end(case: Case) -> None:
    open: set[str] = set()
    for event in events(case.expected.encode() + b"\n\n"):
        if event["type"] == "response.output_item.added":
            open.add(event["item"]["id"])
        elif event["type"] == "response.output_item.done":
            open.remove(event["item"]["id"])
        elif "item_id" in event:
            assert event["item_id"] in open


@pytest.mark.parametrize(
    "case", [case for case in STREAMS.values() if case.name not in HALVES], ids=lambda case: case.name
)
def test_the_openai_sdk_reads_every_event_and_builds_the_same_response(case: Case) -> None:
    telling, stream = teller(case.given, FRAME)
    told = events(telling.feed(stream) + telling.end())
    state = ResponseStreamState[None](input_tools=omit, text_format=omit)
    said = ""
    for event in told:
        if (
            event["type"] == "response.failed"
            and event["response"]["error"]["code"] == "context_length_exceeded"
        ):
            continue  # Codex knows this code, the SDK's types do not
        parsed = ADAPTER.validate_python(event)
        state.handle_event(parsed)
        said += event["delta"] if event["type"] == "response.output_text.delta" else ""
    if told[-1]["type"] == "response.completed":
        completed = state._completed_response
        assert completed is not None
        assert said == completed.output_text


@pytest.mark.parametrize(
    "case", [case for case in golden.CASES.values() if case.ends_well], ids=lambda case: case.name
)
def test_whatever_our_relay_sends_means_the_same_afterwards(case: golden.Case) -> None:
    telling = typed()
    telling.feed(case.client)
    [choice] = [each for each in case.whole["choices"] if each.get("index", 0) == 0] or [{"message": {}}]
    message = choice["message"]
    output = json.loads(telling.response)["output"]
    texts = [
        part["text"]
        for item in output
        if item["type"] == "message"
        for part in item["content"]
        if "text" in part
    ]
    calls = [(item["name"], item["arguments"]) for item in output if item["type"] == "function_call"]
    asked = [call["function"] for call in message.get("tool_calls") or [] if "function" in call]

    assert (message.get("content") or "") == "".join(texts)
    assert [(each["name"], each["arguments"] or "{}") for each in asked] == calls


@pytest.mark.parametrize(
    "case", [case for case in golden.CASES.values() if not case.ends_well], ids=lambda case: case.name
)
def test_what_breaks_off_has_failed(case: golden.Case) -> None:
    telling = typed()
    told = events(telling.feed(case.client) + telling.end())

    assert [event["type"] for event in told[-2:]] == ["error", "response.failed"]


@pytest.mark.parametrize(
    "name", ["text", "reasoning-then-text", "text-then-call", "calls-interleaved", "refusal"]
)
def test_a_whole_completion_is_the_response_that_its_stream_ends_with(name: str) -> None:
    telling, stream = teller(STREAMS[name].given)
    told = events(telling.feed(stream))
    collector = Collector(model="m", id="c", created=1)
    collector.feed(stream)
    again, _ = teller(STREAMS[name].given)

    assert finished(told) == json.loads(whole(collector.result(), again))


def test_a_body_that_is_no_completion_is_no_response() -> None:
    with pytest.raises(UpstreamError):
        whole(b'{"error":{"message":"no"}}', typed())


def test_a_fault_in_a_whole_completion_is_told_by_its_words() -> None:
    telling = typed()
    telling.feed(b'data: {"error":{"message":"no"}}\n\n')
    body = b'{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}'

    with pytest.raises(UpstreamError, match="no"):
        whole(body, telling)


def test_an_answer_that_came_whole_may_be_larger_than_an_event_of_a_stream() -> None:
    said = "x" * (sse.LIMIT + 1)
    body = raw.encode({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]})

    assert json.loads(whole(body, typed()))["output"][0]["content"][0]["text"] == said


def test_what_was_thought_is_told_once_although_its_signature_repeats_it() -> None:
    """So Claude's thoughts come out of `anthropic_stream`: in pieces, and then whole and signed."""
    detail = {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "anthropic-claude-v1"}
    deltas = [{"reasoning_content": "Hm."}, {"reasoning_details": [detail]}, {"content": "Yes"}]
    chunks = [json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() for delta in deltas]
    telling = typed()
    told = events(telling.feed(b"".join(map(sse.encode, chunks)) + sse.DONE))

    [thought, _] = finished(told)["output"]
    assert [part["text"] for part in thought["summary"]] == ["Hm."]


def test_nothing_is_told_of_a_stream_that_has_not_begun() -> None:
    telling = typed()

    assert (telling.feed(b": keep-alive\n\n"), telling.status) == (b"", "queued")


@pytest.mark.parametrize("seed", range(60))
def test_whatever_comes_ends_well_formed(seed: int) -> None:
    """Bytes changed, left out and doubled at random: no crash, one end, and the SDK reads every event."""
    chance = random.Random(seed)
    for case in STREAMS.values():
        telling, stream = teller(case.given, FRAME)
        broken = mutated(bytearray(stream), chance)
        told = events(telling.feed(broken) + telling.end())
        assert [event["type"] in LAST for event in told].count(True) == 1
        assert told[-1]["type"] in LAST
        assert raw.fields(telling.response)


def mutated(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.choice(b'{}[]",:0\\n\n x')
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + chance.randint(1, 200)]
            case _:
                data[at:at] = chance.choice([b"null", b'"', b"{}", b"[]", b"\n\n", b"7", b"\\ud83d", b"\xff"])
    return bytes(data)
