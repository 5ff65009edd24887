"""What is remembered of reasoning: by which call, how much, and how long."""

import json
from typing import Any

import msgspec
import pytest

from gateway.thinking import CALL, HERE, Delta, history
from idetour.gateway import replay
from idetour.gateway.replay import Replay, identity, signed
from idetour.wire import chat, raw


def message(text: str = "hm", id: str = "call_1") -> dict[str, Any]:
    return raw.fields(json.dumps({"reasoning_content": text, "tool_calls": [{**CALL, "id": id}]}).encode())


def back(memory: Replay, *calls: Delta) -> list[Delta]:
    body = {"model": "m", "messages": history(*(calls or (CALL,)))}
    request, _ = memory.restored(chat.read(json.dumps(body).encode()), HERE, wanted=True)
    return list(msgspec.json.decode(request.fields["messages"]))


def test_the_oldest_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_CALLS", 3)
    memory = Replay()
    for number in range(5):
        memory.keep(replay.place_of(HERE), message(id=f"call_{number}"))
    kept = ["reasoning_content" in back(memory, {**CALL, "id": f"call_{number}"})[1] for number in range(5)]
    assert kept == [False, False, True, True, True]


def test_and_when_they_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_BYTES", 100)
    memory = Replay()
    for number in range(5):
        memory.keep(replay.place_of(HERE), message("x" * 40, id=f"call_{number}"))
    assert (len(memory._kept), memory._size <= 100) == (2, True)


def test_and_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Replay()
    memory.keep(replay.place_of(HERE), message())
    assert "reasoning_content" in back(memory)[1]
    monkeypatch.setattr(replay, "SECONDS", -1.0)
    assert back(memory) == history(CALL)
    memory.keep(replay.place_of(HERE), message(id="other"))
    assert (len(memory._kept), memory._size, memory._places) == (0, 0, {})


def test_what_thinks_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_OF_ONE", 100)
    memory = Replay()
    memory.keep(replay.place_of(HERE), message("x" * 200))
    assert back(memory) == history(CALL)


def test_messages_that_cannot_be_read_are_left_to_who_has_to_read_them() -> None:
    memory = Replay()
    memory.keep(replay.place_of(HERE), message())
    request = chat.read(b'{"model": "m", "messages": ["tool_calls", {"tool_calls": 1}]}')
    assert memory.restored(request, HERE, wanted=True) == (request, [])


def test_a_call_is_known_by_its_id_name_and_arguments() -> None:
    def known(**members: Any) -> bytes:
        return identity(raw.fields(json.dumps(CALL | members).encode()))

    assert known() == known(function={"name": "ls", "arguments": '{"path":"."}'})
    one, other = '{"a": 1, "b": [2]}', '{"b":[2],"a":1}'
    assert known(function={"name": "ls", "arguments": one}) == known(
        function={"name": "ls", "arguments": other}
    )
    assert known() != known(id="call_2")
    assert known() != known(function={"name": "ls", "arguments": "{}"})
    assert known(function={"name": "ls", "arguments": "{"}) == known(
        function={"name": "ls", "arguments": "{"}
    )


def test_details_are_signed_where_one_of_them_is() -> None:
    assert signed(raw.of([{"text": "x"}, {"signature": "s"}]))
    assert signed(raw.of([{"data": "x"}]))
    assert not signed(raw.of([{"text": "x", "signature": ""}]))
