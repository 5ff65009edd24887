"""What is heard of an answer, and when it is kept. Whole conversations: `test_replay.py`."""

import json
from collections.abc import Iterator
from typing import Any

from idetour.gateway import replay
from idetour.gateway.listener import Attentive, Listener
from idetour.gateway.replay import Replay
from idetour.profile import Target
from idetour.profile import Upstream as Place
from idetour.routes.plan import Candidate
from idetour.wire.chunks import Relay

HERE = Candidate(target=Target("up", "x"), upstream=Place(name="up", title="Up", url="https://up.test"))
FIRST = {"index": 0, "id": "c", "type": "function", "function": {"name": "ls", "arguments": ""}}
REST = {"index": 0, "function": {"arguments": "{}"}}


def events(*deltas: dict[str, Any], finish: str | None = "tool_calls", index: int = 0) -> bytes:
    def pieces() -> Iterator[dict[str, Any]]:
        yield from ({"index": index, "delta": delta, "finish_reason": None} for delta in deltas)
        if finish:
            yield {"index": index, "delta": {}, "finish_reason": finish}

    return b"".join(b"data: " + json.dumps({"choices": [piece]}).encode() + b"\n\n" for piece in pieces())


def listening(memory: Replay) -> Attentive:
    relay = Attentive(model="m", include_usage=True, id="i", created=1)
    relay.listener = Listener(memory, HERE)
    return relay


def thoughts(memory: Replay) -> list[dict[str, Any]]:
    return [
        {name: json.loads(bytes(value)) for name, value in kept.thoughts.items()}
        for kept in memory._kept.values()
    ]


def test_it_is_kept_before_the_client_gets_the_end() -> None:
    memory = Replay()
    relay = listening(memory)
    relay.feed(
        events({"reasoning_content": "h"}, {"reasoning_content": "m"}, {"tool_calls": [FIRST]}, finish=None)
    )
    assert thoughts(memory) == []
    assert b"tool_calls" in relay.feed(events({"tool_calls": [REST]}))
    assert thoughts(memory) == [{"reasoning_content": "hm"}]


def test_the_stream_goes_on_as_it_would_without_a_listener() -> None:
    stream = events({"role": "assistant", "content": ""}, {"content": "hi"}, {"tool_calls": [FIRST]})
    relay, plain = listening(Replay()), Relay(model="m", include_usage=True, id="i", created=1)
    assert b"".join(relay.feed(stream[at : at + 1]) for at in range(len(stream))) == plain.feed(stream)


def test_only_the_first_choice_is_heard() -> None:
    memory = Replay()
    listening(memory).feed(events({"reasoning_content": "other"}, {"tool_calls": [FIRST]}, index=1))
    assert thoughts(memory) == []


def test_calls_that_are_none_are_no_calls() -> None:
    memory = Replay()
    listening(memory).feed(
        events({"reasoning_content": "hm", "tool_calls": []}, {"tool_calls": None}, finish="stop")
    )
    assert thoughts(memory) == []


def test_one_that_thinks_without_end_is_given_up() -> None:
    memory = Replay()
    piece = {"reasoning_content": "x" * 1000}
    listening(memory).feed(events(*[piece] * (replay.MOST_OF_ONE // 1000 + 1), {"tool_calls": [FIRST]}))
    assert thoughts(memory) == []


def test_a_whole_answer_of_another_shape_is_passed_over() -> None:
    memory = Replay()
    for body in (b'{"tool_calls": 1}', b'{"choices": [{"message": {"tool_calls": "x"}}]}'):
        Listener(memory, HERE).whole(body)
    assert len(memory._kept) == 0
