import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idetour.wire import ollama_answer, sse
from idetour.wire.ollama_answer import ChatStream, completion
from wire.up_golden import (
    CUTS,
    DAMAGE,
    MADE_UP,
    assembled,
    cases,
    completed,
    cut,
    damaged,
    each,
    relayed,
    told,
)

STREAMS = {name: given.encode() for name, (given, _) in cases("ollama", "streams").items()}
BROKEN = {"broken-off", "error-after-content", "error-at-once", "garbage"}
WELL = {name: stream for name, stream in STREAMS.items() if name not in BROKEN}


@each("ollama", "streams")
def test_lines_become_the_chat_stream_that_the_golden_case_has(given: str, wanted: str) -> None:
    assert told(ChatStream(), given.encode()).strip() == wanted


@each("ollama", "wholes")
def test_an_answer_becomes_the_completion_that_the_golden_case_has(given: str, wanted: str) -> None:
    assert MADE_UP.sub("…", completion(given.encode()).decode()) == wanted


@given(st.sampled_from([*STREAMS.values()]), CUTS)
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_it_gives_the_same_chunks(stream: bytes, cuts: list[int]) -> None:
    assert told(ChatStream(), *cut(stream, cuts)) == told(ChatStream(), stream)


@given(st.sampled_from([*STREAMS.values()]), DAMAGE)
@settings(max_examples=300, deadline=None)
def test_a_damaged_stream_ends_well_or_in_an_error(stream: bytes, damage: list[tuple[int, bytes]]) -> None:
    relay = relayed(told(ChatStream(), damaged(stream, damage)))
    assert relay.done != bool(relay.error)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_does_not_look_finished(name: str) -> None:
    relay = relayed(told(ChatStream(), STREAMS[name]))
    assert relay.error is not None
    assert relay.finish is None


@pytest.mark.parametrize("stream", WELL.values(), ids=WELL.keys())
def test_openais_sdk_puts_the_answer_together(stream: bytes) -> None:
    made = assembled(told(ChatStream(), stream))
    for _, arguments in made["calls"]:
        assert isinstance(json.loads(arguments), dict)


def test_a_stream_and_a_whole_answer_say_the_same() -> None:
    message = {
        "thinking": "hm",
        "content": "Yes",
        "tool_calls": [{"function": {"name": "a", "arguments": {}}}],
    }
    line = json.dumps({"message": message, "done": True, "done_reason": "stop"}).encode()
    assert assembled(told(ChatStream(), line)) == completed(completion(line))


def test_each_call_without_an_id_gets_one_of_its_own() -> None:
    calls = [{"function": {"name": "a", "arguments": {}}}] * 3
    body = json.loads(completion(json.dumps({"message": {"tool_calls": calls}, "done": True}).encode()))
    assert len({call["id"] for call in body["choices"][0]["message"]["tool_calls"]}) == 3


def test_a_line_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama_answer, "LONGEST", 100)
    machine = ChatStream()
    assert machine.feed(b'{"model":"' * 10) == b""
    with pytest.raises(sse.EventTooLong):
        machine.feed(b"x")
