"""An answer as a value: a head and a list of pieces, each sent as one write.

Most faults are a good answer whose list of pieces was edited, so they combine:
`stream("Hel", "lo").reset_after(2).lines(b"\\r\\n").split(1)`.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus
from threading import Event
from typing import Any, Literal

type Step = bytes | float | Event | Act  # one write, seconds to wait, what to wait for, or an end
type Script = Answer | Callable[[Request], Answer]

DONE = b"data: [DONE]\n\n"


class Act(Enum):
    """Ends that no body has."""

    RESET = "RST, as from a server that crashed"
    FIN = "closed, whatever the framing promised"
    STALL = "open, and nothing more is said"


@dataclass(slots=True)
class Request:
    """What arrived, and what became of it."""

    method: str
    path: str
    headers: list[tuple[str, str]]  # names in lower case, in the order of the wire
    body: bytes
    when: float  # on the monotonic clock
    connection: int  # which connection carried it, counted from 1
    aborted: float | None = None  # seconds until the client left before the end

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    @property
    def asked(self) -> str:
        """The model that the body names, or else the path."""
        try:
            return str(self.json()["model"])
        except (ValueError, KeyError, TypeError):
            return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`pieces` makes the body. With framing `raw` there is no head: the pieces are all that is sent."""

    pieces: Callable[[Request], list[Step]]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    framing: Literal["chunked", "length", "close", "raw"] = "length"
    wait: float = 0.0  # seconds before the head

    def wire(self, request: Request) -> Iterator[Step]:
        """Everything to send, framing included."""
        steps = self.pieces(request)
        yield self.wait
        if self.framing != "raw":
            yield self._head(sum(len(step) for step in steps if isinstance(step, bytes)))
        for step in steps:
            if self.framing == "chunked" and isinstance(step, bytes):
                yield b"%x\r\n%b\r\n" % (len(step), step)
            else:
                yield step
        if self.framing == "chunked":
            yield b"0\r\n\r\n"
        if self.framing == "close":
            yield Act.FIN

    def _head(self, length: int) -> bytes:
        framing = {"chunked": "transfer-encoding: chunked", "length": f"content-length: {length}"}
        lines = [f"{name}: {value}" for name, value in self.headers]
        first = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"
        return "\r\n".join([first, *lines, framing.get(self.framing, "connection: close"), "", ""]).encode()

    # How it breaks. `n` counts pieces: of a stream its events, beginning with the role.

    def reset_after(self, n: int) -> "Answer":
        return self.edited(lambda steps: [*upto(n, steps), Act.RESET])

    def fin_after(self, n: int) -> "Answer":
        """Closed inside the body, against what its framing promised."""
        return self.edited(lambda steps: [*upto(n, steps), Act.FIN])

    def stall_after(self, n: int) -> "Answer":
        return self.edited(lambda steps: [*upto(n, steps), Act.STALL])

    def ends_after(self, n: int) -> "Answer":
        """Well-formed HTTP, but a stream without a finish reason and [DONE]."""
        return self.edited(lambda steps: upto(n, steps))

    def then_sends(self, n: int, *pieces: bytes) -> "Answer":
        """`n` pieces, then these instead of the rest: an error event, for example."""
        return self.edited(lambda steps: [*upto(n, steps), *pieces])

    def without_done(self) -> "Answer":
        return self.edited(lambda steps: [step for step in steps if step != DONE])

    def held_after(self, n: int, gate: Event) -> "Answer":
        """`n` pieces, and the rest when the test opens the gate: what came before has then been read."""
        return self.edited(lambda steps: [*(first := upto(n, steps)), gate, *steps[len(first) :]])

    # How it is written.

    def split(self, size: int = 1) -> "Answer":
        """Writes of at most `size` bytes: inside characters, inside lines, between CR and LF."""
        return self.edited(lambda steps: [part for step in steps for part in parts(step, size)])

    def joined(self) -> "Answer":
        """The whole body in one write."""
        return self.edited(lambda steps: [b"".join(step for step in steps if isinstance(step, bytes))])

    def paced(self, seconds: float) -> "Answer":
        """A pause before each piece."""
        return self.edited(lambda steps: [part for step in steps for part in (seconds, step)])

    def lines(self, end: bytes) -> "Answer":
        """Lines that end in CR or CRLF."""
        return self.edited(
            lambda steps: [step.replace(b"\n", end) if isinstance(step, bytes) else step for step in steps]
        )

    def gzipped(self) -> "Answer":
        """Compressed, asked or not, and flushed after each piece."""
        return self.edited(gzip).saying(content_encoding="gzip")

    def late(self, seconds: float) -> "Answer":
        """A pause before the head."""
        return replace(self, wait=seconds)

    def until_close(self) -> "Answer":
        """Neither length nor chunks: the body ends where the connection does, as in HTTP/1.0."""
        return replace(self, framing="close")

    def saying(self, **headers: str) -> "Answer":
        """More headers, as in `saying(retry_after="7")`."""
        more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return replace(self, headers=(*self.headers, *more))

    def edited(self, edit: Callable[[list[Step]], list[Step]]) -> "Answer":
        return replace(self, pieces=lambda request: edit(self.pieces(request)))


def upto(n: int, steps: list[Step]) -> list[Step]:
    """The steps until `n` pieces are written."""
    writes = [index for index, step in enumerate(steps) if isinstance(step, bytes)]
    if n > len(writes):
        raise ValueError(f"the answer has {len(writes)} pieces, not {n}")
    return steps[: writes[n - 1] + 1] if n else []


def parts(step: Step, size: int) -> list[Step]:
    if not isinstance(step, bytes):
        return [step]
    return [step[start : start + size] for start in range(0, len(step), size)]


def gzip(steps: list[Step]) -> list[Step]:
    pack = zlib.compressobj(wbits=31)
    packed: list[Step] = [
        pack.compress(step) + pack.flush(zlib.Z_SYNC_FLUSH) if isinstance(step, bytes) else step
        for step in steps
    ]
    return [*packed, pack.flush()]
