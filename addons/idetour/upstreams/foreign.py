"""Requests whose answers are not Chat, and the transport that makes Chat of these.

So the gateway need not know: it holds back, examines and relays every answer
in the same way, whatever the upstream speaks. An answer is translated as it
arrives; an error page is left as it is, for `wire/fault.py` reads those of all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from idetour.upstreams.transport import Incoming, Outgoing, Transport, TransportError
from idetour.wire import sse

WHOLE_BYTES = 64 << 20  # the largest answer that is read into memory
STREAMS = ("text/event-stream", "application/x-ndjson")
SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}


class Machine(Protocol):
    """Bytes cut anywhere in, whole events of Chat out."""

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign(Outgoing):
    """`machine` makes Chat of a stream, `whole` of an answer that comes at once."""

    machine: Callable[[], Machine]
    whole: Callable[[bytes], bytes]

    async def ready(self, below: Transport) -> Outgoing:
        """The request as it goes, where something has to be found out before. Raises TransportError."""
        return self


@dataclass(slots=True)
class Translating:
    """A transport whose good answers are Chat."""

    below: Transport

    async def send(self, outgoing: Outgoing) -> Incoming:
        if not isinstance(outgoing, Foreign):
            return await self.below.send(outgoing)
        incoming = await self.below.send(await outgoing.ready(self.below))
        if incoming.status != 200:
            return incoming
        streams = incoming.headers.get("content-type", "").lower().startswith(STREAMS)
        return Streamed(incoming, outgoing.machine()) if streams else Whole(incoming, outgoing.whole)


@dataclass(slots=True)
class Streamed:
    """A stream, translated as it arrives."""

    below: Incoming
    machine: Machine
    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.status, self.headers = self.below.status, {**self.below.headers, **SSE}

    async def read(self) -> bytes:
        """A read that brought nothing to tell is a comment, for it shows that the upstream is alive."""
        if data := await self.below.read():
            return self.machine.feed(data) or sse.KEEP_ALIVE
        return self.machine.end()

    def close(self) -> None:
        self.below.close()


@dataclass(slots=True)
class Whole:
    """An answer that comes at once, translated when it is complete."""

    below: Incoming
    made: Callable[[bytes], bytes]
    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)
    _read: bool = False

    def __post_init__(self) -> None:
        self.status, self.headers = self.below.status, {**self.below.headers, **JSON}

    async def read(self) -> bytes:
        if self._read:
            return b""
        self._read = True
        return self.made(await whole(self.below))

    def close(self) -> None:
        self.below.close()


async def whole(incoming: Incoming) -> bytes:
    """The body to its end. Raises TransportError where it is larger than any answer."""
    body = bytearray()
    while data := await incoming.read():
        body += data
        if len(body) > WHOLE_BYTES:
            raise TransportError("broken", f"the answer is larger than {WHOLE_BYTES >> 20} MiB")
    return bytes(body)
