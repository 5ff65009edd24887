"""A streamed answer, put together for people. What the three protocols say is in tests/golden/conversation."""

import json
from typing import Any

from idetour.proxy.parts import Part
from idetour.proxy.pieces import END_READ, MOST_READ, MOST_UNREAD, Stream, stream


def told(*events: Any) -> Stream:
    return stream(b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events))


def delta(choice: int = 0, **said: Any) -> dict[str, Any]:
    return {"choices": [{"index": choice, "delta": said}]}


def call(name: str, more: str = "", **where: Any) -> dict[str, Any]:
    return delta(tool_calls=[{**where, "function": {"name": name, "arguments": more}}])


def shown(made: Stream) -> list[Part]:
    return [part for piece in made.pieces.values() for part in piece.parts()]


def test_calls_that_are_interleaved_are_told_apart_by_their_index() -> None:
    made = told(
        call("ls", "{", index=0, id="a"),
        call("cat", "{", index=1, id="b"),
        call("", "}", index=0),
        call("", "}", index=1),
    )
    assert shown(made) == [Part("call", "", "ls", "a"), Part("call", "", "cat", "b")]


def test_calls_without_an_index_are_told_apart_by_a_new_id() -> None:
    made = told(call("ls", '{"n":', id="a"), call("", "1}"), call("cat", '{"n":2}', id="b"))
    assert shown(made) == [Part("call", "n: 1", "ls", "a"), Part("call", "n: 2", "cat", "b")]


def test_choices_are_kept_apart() -> None:
    made = told(delta(0, content="a"), delta(1, content="b"), delta(0, content="a"))
    assert [(piece.parts()[0].text, piece.choice) for piece in made.pieces.values()] == [("aa", 0), ("b", 1)]


def test_content_that_comes_as_parts_is_read() -> None:
    assert shown(told(delta(content=[{"type": "text", "text": "hello"}]))) == [Part("text", "hello")]


def test_an_event_that_makes_no_sense_is_counted_and_left_out() -> None:
    made = stream(
        b'data: {"choices":7}\n\ndata: nonsense\n\ndata: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
    )
    assert (made.unread, shown(made)) == (2, [Part("text", "hi")])


def test_where_nothing_makes_sense_it_is_given_up() -> None:
    assert stream(b"data: x\n\n" * 100_000).unread == MOST_UNREAD


def test_of_a_very_long_stream_the_end_is_read_too() -> None:
    body = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n' * 300_000
    end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9}}\n\ndata: [DONE]\n\n'
    made = stream(body + end)
    assert (made.finish, made.usage, made.unread) == ("stop", {"prompt_tokens": 9}, 0)
    assert made.skipped > len(body) - MOST_READ - END_READ
    assert set(shown(made)[0].text.split()) == {"word"}
