"""A transport whose exchanges somebody looks at: what was sent, what came back, how it ended.

It stands below all translation, so what is seen are the upstream's own bytes. Where
nobody looks it does not exist (`Transports.to`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from idetour.upstreams.transport import Incoming, Outgoing, Transport


class Seen(Protocol):
    """One exchange, as its observer is told of it. Nothing here may raise or wait."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer."""

    def got(self, data: bytes) -> None:
        """Some of its body."""

    def ended(self, problem: str = "") -> None:
        """Once, last: by itself, or by this problem."""


type Observe = Callable[[Outgoing, str], Seen]  # what is sent, and the id of the request that it answers


@dataclass(frozen=True, slots=True)
class Observed:
    """`cause` is the id of the request that is answered."""

    transport: Transport
    observe: Observe
    cause: str

    async def send(self, outgoing: Outgoing) -> Incoming:
        seen = self.observe(outgoing, self.cause)
        try:
            incoming = await self.transport.send(outgoing)
        except BaseException as error:
            seen.ended(told(error))
            raise
        seen.answered(incoming.status, incoming.headers)
        return ObservedAnswer(incoming, seen)


@dataclass(slots=True)
class ObservedAnswer:
    incoming: Incoming
    seen: Seen
    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)
    _over: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.status, self.headers = self.incoming.status, self.incoming.headers

    async def read(self) -> bytes:
        try:
            data = await self.incoming.read()
        except BaseException as error:
            self._end(told(error))
            raise
        if data:
            self.seen.got(data)
        else:
            self._end()
        return data

    def close(self) -> None:
        self._end()  # early or not, it was idetour's choice
        self.incoming.close()

    def _end(self, problem: str = "") -> None:
        if not self._over:
            self._over = True
            self.seen.ended(problem)


def told(error: BaseException) -> str:
    """Why, in words; a cancelled task has none of its own."""
    return str(error) or "given up by idetour, or by the client"
