"""Server-sent events: bytes broken anywhere in, whole events out.

A reader keeps one buffer of bytes that do not yet end in a blank line. CR and
CRLF become LF as they arrive (neither can occur inside an event's data), so a
blank line is always two LFs, and only the new bytes are searched for it: the
work is linear in the bytes however they were cut. Nothing is decoded, so no
other character can be mistaken for the end of a line, as U+2028 is elsewhere.

Rules: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from typing import NamedTuple

from idetour.errors import UpstreamError

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
LIMIT = 4 << 20  # bytes of one event: room for an image in a tool call, not for a runaway line
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    data: bytes
    name: bytes = b""


class EventTooLong(UpstreamError):
    """An event is larger than the limit. `events` are those completed before it."""

    def __init__(self, limit: int, events: list[Event]) -> None:
        super().__init__(
            f"the upstream sent one event of more than {limit} bytes, and was cut off",
            code="upstream_event_too_long",
        )
        self.events = events


class Reader:
    """Cuts a stream into events. Comments and frames without data give none."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete. Raises EventTooLong."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if chunk.find(b"\r") >= 0:  # `in` is ten times slower than `find` (CPython 3.13)
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not self._pending and chunk.endswith(b"\n\n"):
            return self._events(chunk)
        searched = max(0, len(self._pending) - 1)
        self._pending += chunk
        blank = self._pending.rfind(b"\n\n", searched)
        events: list[Event] = []
        if blank >= 0:
            whole = bytes(self._pending[: blank + 2])
            del self._pending[: blank + 2]
            events = self._events(whole)
        if len(self._pending) > self._limit + 1:  # its last byte may be half a blank line
            raise EventTooLong(self._limit, events)
        return events

    def close(self) -> list[Event]:
        """The event that the end of the stream completes, if its blank line never came."""
        rest = bytes(self._pending)
        self._pending.clear()
        return self._events(rest + b"\n\n") if rest else []

    def _events(self, text: bytes) -> list[Event]:
        """Split text that ends with a blank line."""
        if self._at_start:
            self._at_start = False
            text = text.removeprefix(_BOM)
        if text.startswith(b"data: ") and len(text) <= self._limit:
            blocks = text[6:-2].split(b"\n\ndata: ")
            if text.count(b"\n") == 2 * len(blocks):  # nothing but one-line events: the usual case
                return [Event(block) for block in blocks]
        events: list[Event] = []
        for block in text.split(b"\n\n"):
            if len(block) > self._limit:
                raise EventTooLong(self._limit, events)
            if event := _event(block):
                events.append(event)
        return events


def _event(block: bytes) -> Event | None:
    data: list[bytes] = []
    name = b""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(b"\n".join(data), name) if data else None


def encode(data: bytes, name: bytes = b"") -> bytes:
    """One event. Data of several lines (pretty JSON) becomes several `data:` lines."""
    if data.find(b"\n") >= 0 or data.find(b"\r") >= 0:
        data = b"\ndata: ".join(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return b"event: %b\ndata: %b\n\n" % (name, data) if name else b"data: %b\n\n" % data


def comment(text: str) -> bytes:
    """A line that every client skips; it keeps the connection from looking idle."""
    return b": " + " ".join(text.split()).encode() + b"\n\n"
