"""The events of Anthropic's Messages as a streamed Chat answer.

    message_start          the role, and the first usage
    text_delta             content
    thinking_delta         reasoning_content; with its signature once more in reasoning_details
    tool_use               tool_calls, numbered from 0 among calls alone, not among blocks
    message_delta          remembered: it may come again, its usage is a total
    message_stop           the finish_reason, the usage, [DONE]
    error                  an error, and nothing after it
    ping, citations, what Anthropic's servers did themselves, what is not known    nothing

A client that speaks Messages itself gets these events back as they are: each chunk
then carries its event in the member NATIVE, and events that say nothing in Chat
get an empty chunk to carry them (`messages_stream` takes them out again). One that
wants its answer whole gets the message: the last chunk carries it.

What comes out is Chat SSE for `chunks.Relay`, which examines it as any other
upstream's. So an answer that breaks off simply ends here, and the Relay sees
it; one that has told why it stopped, but not that it did, is whole.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw

from idetour.wire import messages_ends, raw, sse
from idetour.wire.anthropic_assembly import MessageAssembly
from idetour.wire.messages_stream import CLAUDE, NATIVE
from idetour.wire.places import joined

type Delta = dict[str, object]


class _Delta(msgspec.Struct, gc=False):
    type: str = ""
    text: Raw = raw.EMPTY_TEXT
    thinking: Raw = raw.EMPTY_TEXT
    signature: Raw = raw.EMPTY_TEXT
    partial_json: Raw = raw.EMPTY_TEXT
    stop_reason: str | None = None


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    id: Raw = raw.NULL
    name: Raw = raw.NULL
    input: Raw = raw.EMPTY_OBJECT
    text: Raw = raw.EMPTY_TEXT
    thinking: Raw = raw.EMPTY_TEXT
    signature: Raw = raw.EMPTY_TEXT
    data: Raw = raw.NULL


class _Message(msgspec.Struct, gc=False):
    id: str = ""
    model: str = ""
    usage: Raw = raw.NULL


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = -1
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Raw = raw.NULL


_event = msgspec.json.Decoder(_Event)


class _Call:
    """A call whose block is open. `said` tells whether its input came in pieces."""

    def __init__(self, number: int, input: Raw) -> None:
        self.number, self.input, self.said = number, input, False


class ChatStream:
    """Anthropic's SSE in, Chat SSE out. `carry`: the events themselves go along.

    `whole`: for a client that will get all of it at once, and with `carry` the message.
    """

    def __init__(self, *, carry: bool = False, whole: bool = False) -> None:
        self._carry, self._whole = carry, whole
        self._message = MessageAssembly() if carry and whole else None
        self._reader = sse.Reader()
        self._usage: dict[str, Any] = {}
        self._finish: str | None = None
        self._done = False
        self._about: dict[str, Raw] = {}
        self._blocks = 0  # that have begun …
        self._block: int | None = None  # … and the one that is open
        self._calls: dict[int, _Call] = {}
        self._thought: dict[int, list[Raw]] = {}
        self._called = self._details = 0

    def feed(self, data: bytes) -> bytes:
        """Bytes broken anywhere in, whole events out. Raises sse.EventTooLong."""
        return b"".join(piece for event in self._reader.feed(data) for piece in self._take(event))

    def end(self) -> bytes:
        """The upstream's end of file. One that told why it stopped is whole, though its last event never came."""
        last = [piece for event in self._reader.close() for piece in self._take(event)]
        return b"".join([*last, *self._stop()]) if self._finish and not self._done else b"".join(last)

    def _take(self, found: sse.Event) -> Iterator[bytes]:
        if self._done:
            return
        try:
            event = _event.decode(raw.utf8(found.data))
        except (ValueError, RecursionError):
            event = _Event()
        if b"error" in (found.name, event.type.encode()):
            self._done = True
            yield sse.encode(found.data, b"error")
            return
        if not self._fits(event):
            yield sse.encode(b"unreadable")  # the Relay counts what it cannot read
            return
        said: list[Delta] = [*self._said(event)]
        if self._message:
            self._message.add(raw.utf8(found.data))
        elif self._carry and self._about:
            yield self._chunk(*said[:1] or [{}], native=Raw(found.data))
            said = said[1:]
        for delta in said:
            yield self._chunk(delta)
        if event.type == "message_stop":
            yield from self._stop()

    def _fits(self, event: _Event) -> bool:
        """Whether it is an event, and comes after the message has begun, which it does once."""
        if event.type == "message_start":
            return event.message is not None and not self._about
        if not (event.type and self._about):
            return event.type == "ping"
        return not self._carry or self._in_turn(event)

    def _in_turn(self, event: _Event) -> bool:
        """Whether a client that gets the event itself can follow: one block after the other, then the end."""
        if event.type == "content_block_start":
            free = self._block is None and self._finish is None
            fits = free and event.index == self._blocks and event.content_block is not None
            if fits:
                self._block, self._blocks = event.index, self._blocks + 1
            return fits
        if event.type in ("content_block_delta", "content_block_stop"):
            fits = self._block == event.index
            if fits and event.type == "content_block_stop":
                self._block = None
            return fits
        if event.type == "message_delta":
            return self._block is None and event.delta is not None
        if event.type == "message_stop":
            return self._block is None and self._finish is not None
        return event.type.isidentifier()  # it becomes a line of the stream

    def _said(self, event: _Event) -> Iterator[Delta]:
        """What an event says in Chat."""
        if event.type == "message_start" and event.message:
            self._about = {"id": raw.of(event.message.id), "model": raw.of(event.message.model)}
            self._usage = messages_ends.merged(self._usage, event.message.usage)
            yield {"role": "assistant"} if self._whole else {"role": "assistant", "content": ""}
        elif event.type == "content_block_start" and event.content_block:
            yield from self._open(event.index, event.content_block)
        elif event.type == "content_block_delta" and event.delta:
            yield from self._more(event.index, event.delta)
        elif event.type == "content_block_stop":
            yield from self._close(event.index)
        elif event.type == "message_delta":
            self._usage = messages_ends.merged(self._usage, event.usage)
            if event.delta and event.delta.stop_reason:
                self._finish = messages_ends.TO_CHAT.get(event.delta.stop_reason, "stop")

    def _open(self, index: int, block: _Block) -> Iterator[Delta]:
        if block.type == "tool_use":
            self._calls[index] = _Call(self._called, block.input)
            function = {"name": block.name, "arguments": ""}
            yield _call(self._called, id=block.id, type="function", function=function)
            self._called += 1
        elif block.type == "text":
            yield from _piece("content", block.text)
        elif block.type == "thinking":
            self._thought[index] = [] if raw.blank(block.thinking) else [block.thinking]
            yield from _piece("reasoning_content", block.thinking)
            yield from self._sign(index, block.signature)
        elif block.type == "redacted_thinking" and raw.is_text(block.data):
            yield self._detail({"type": "reasoning.encrypted", "data": block.data})

    def _more(self, index: int, delta: _Delta) -> Iterator[Delta]:
        if delta.type == "text_delta":
            yield from _piece("content", delta.text)
        elif delta.type == "thinking_delta":
            self._thought.setdefault(index, []).append(delta.thinking)
            yield from _piece("reasoning_content", delta.thinking)
        elif delta.type == "signature_delta":
            yield from self._sign(index, delta.signature)
        elif delta.type == "input_json_delta" and index in self._calls and not raw.blank(delta.partial_json):
            call = self._calls[index]
            call.said = True
            yield _call(call.number, function={"arguments": delta.partial_json})

    def _close(self, index: int) -> Iterator[Delta]:
        """A call without arguments still has an object: a client would fail to parse nothing."""
        call = self._calls.pop(index, None)
        if call and not call.said:
            yield _call(call.number, function={"arguments": bytes(call.input).decode()})

    def _stop(self) -> Iterator[bytes]:
        self._done = True
        native = raw.of(self._message.whole()) if self._message else None
        yield self._chunk({}, finish=self._finish or "stop", native=native)
        usage = messages_ends.chat_usage(self._usage)
        yield sse.encode(raw.encode(self._about | {"choices": [], "usage": usage}))
        yield sse.DONE

    def _sign(self, index: int, signature: Raw) -> Iterator[Delta]:
        """The whole thought with its signature: only together can they be sent back."""
        if not raw.has_text(signature):
            return
        said = joined(self._thought.pop(index, []))
        yield self._detail({"type": "reasoning.text", "text": said, "signature": signature})

    def _detail(self, detail: Delta) -> Delta:
        detail |= {"format": CLAUDE, "index": self._details}
        self._details += 1
        return {"reasoning_details": [detail]}

    def _chunk(self, delta: Delta, *, finish: str | None = None, native: Raw | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        carried = {} if native is None else {NATIVE: native}
        return sse.encode(raw.line({**self._about, "choices": [choice], **carried}))


def _piece(key: str, piece: Raw) -> Iterator[Delta]:
    if raw.has_text(piece):
        yield {key: piece}


def _call(number: int, **members: object) -> Delta:
    return {"tool_calls": [{"index": number, **members}]}
