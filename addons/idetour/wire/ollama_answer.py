"""Ollama's own answers as Chat: lines of JSON as a stream, one object as a completion.

    message.thinking, .content    reasoning_content, content
    message.tool_calls            whole calls, whose arguments are objects; an id is made where none came
    done                          the finish_reason, the usage, [DONE]
    error                         an error, and nothing after it

An answer that breaks off simply ends here, and the Relay sees it. A line that
ends with the stream is whole without its line end.
"""

import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from idetour.wire import raw, sse
from idetour.wire.assembly import any_objects

LONGEST = sse.LIMIT  # bytes of a line
FINISH = {"length": "length"}  # by `done_reason`; all others mean that it is finished


class _Message(msgspec.Struct, gc=False):
    content: Raw = raw.EMPTY_TEXT
    thinking: Raw = raw.EMPTY_TEXT
    tool_calls: Raw = raw.NULL


class _Line(msgspec.Struct, gc=False):
    model: str = ""
    created_at: str = ""
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int = 0
    eval_count: int = 0
    error: Raw = raw.NULL
    logprobs: Raw = raw.NULL


_line = msgspec.json.Decoder(_Line)


class ChatStream:
    """Lines of JSON in, Chat SSE out."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._about: dict[str, Any] = {}
        self._called = 0
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """Bytes broken anywhere in, whole events out. Raises sse.EventTooLong."""
        *lines, rest = data.split(b"\n")
        made = b""
        if lines:
            lines[0] = bytes(self._pending) + lines[0]
            self._pending.clear()
            made = b"".join(piece for line in lines for piece in self._take(line))
        self._pending += rest
        if len(self._pending) > LONGEST:
            raise sse.EventTooLong(LONGEST, [])
        return made

    def end(self) -> bytes:
        """The upstream's end of file."""
        last, self._pending = bytes(self._pending), bytearray()
        return b"".join(self._take(last))

    def _take(self, text: bytes) -> Iterator[bytes]:
        if self._done or not text.strip():
            return
        try:
            line = _line.decode(raw.utf8(text))
        except (ValueError, RecursionError):
            yield sse.encode(b"unreadable")  # the Relay counts what it cannot read
            return
        if not raw.blank(line.error):
            self._done = True
            yield sse.encode(raw.encode({"error": line.error}), b"error")
            return
        if not self._about:
            self._about = about(line)
            yield self._chunk({"role": "assistant", "content": ""})
        yield from self._say(line)
        if line.done:
            self._done = True
            yield self._chunk({}, finish=finish(line, calls=self._called > 0))
            yield sse.encode(raw.encode(self._about | {"choices": [], "usage": usage(line)}))
            yield sse.DONE

    def _say(self, line: _Line) -> Iterator[bytes]:
        said = line.message or _Message()
        for key, piece in (("reasoning_content", said.thinking), ("content", said.content)):
            if raw.has_text(piece):
                yield self._chunk({key: piece}, likely=line.logprobs)
        for call in calls(said.tool_calls):
            yield self._chunk({"tool_calls": [{"index": self._called} | call]})
            self._called += 1

    def _chunk(self, delta: dict[str, Any], *, finish: str | None = None, likely: Raw = raw.NULL) -> bytes:
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
        if not raw.blank(likely):
            choice["logprobs"] = {"content": likely}
        return sse.encode(raw.encode(self._about | {"choices": [choice]}))


def completion(body: bytes) -> bytes:
    """An answer that came whole; anything else as it came, for whoever looks for errors in it."""
    try:
        line = _line.decode(raw.utf8(body))
    except (ValueError, RecursionError):
        return body
    if line.message is None or not raw.blank(line.error):
        return body
    said = line.message
    message: dict[str, Any] = {"role": "assistant", "content": said.content}
    if not raw.blank(said.thinking):
        message["reasoning_content"] = said.thinking
    if called := calls(said.tool_calls):
        message["tool_calls"] = called
    choice: dict[str, Any] = {
        "index": 0,
        "message": message,
        "finish_reason": finish(line, calls=bool(called)),
    }
    if not raw.blank(line.logprobs):
        choice["logprobs"] = {"content": line.logprobs}
    return raw.encode(about(line) | {"object": "chat.completion", "choices": [choice], "usage": usage(line)})


def about(line: _Line) -> dict[str, Any]:
    """What is the same in each chunk."""
    try:
        created = int(datetime.fromisoformat(line.created_at).timestamp())
    except ValueError:
        created = int(time.time())
    return {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": created, "model": line.model}


def calls(value: Raw) -> list[dict[str, Any]]:
    """Calls in Chat's shape: arguments as text, and an id for each."""
    made = []
    for call in any_objects(value):
        function = raw.fields(call.get("function", raw.EMPTY_OBJECT))
        given = function.get("arguments", raw.EMPTY_OBJECT)
        arguments = given if raw.is_text(given) else bytes(given).decode()
        id = call.get("id", raw.NULL)
        made.append(
            {
                "id": f"call_{secrets.token_hex(12)}" if raw.blank(id) else id,
                "type": "function",
                "function": {"name": function.get("name", raw.EMPTY_TEXT), "arguments": arguments},
            }
        )
    return made


def finish(line: _Line, *, calls: bool) -> str:
    """Why it ended."""
    return FINISH.get(line.done_reason or "") or ("tool_calls" if calls else "stop")


def usage(line: _Line) -> dict[str, int]:
    """Tokens. What was cached of the prompt is not counted by Ollama: the figure may be low."""
    prompt, completion = line.prompt_eval_count, line.eval_count
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
