"""A transport whose exchanges somebody looks at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from idetour.profile import Upstream as Profiled
from idetour.upstreams import Transports
from idetour.upstreams.observed import Observed
from idetour.upstreams.transport import Incoming, Outgoing, Pool, TransportError
from upstream import Upstream, raw_stream, reset_before_headers

ASK = b'{"model": "m", "messages": []}'


@dataclass
class Notes:
    """Keeps what it is told."""

    cause: str = ""
    sent: Outgoing | None = None
    status: int = 0
    body: bytes = b""
    ends: list[str] = field(default_factory=list)

    def begun(self, outgoing: Outgoing, cause: str) -> "Notes":
        self.sent, self.cause = outgoing, cause
        return self

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status

    def got(self, data: bytes) -> None:
        self.body += data

    def ended(self, problem: str = "") -> None:
        self.ends.append(problem)


@asynccontextmanager
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    try:
        yield made
    finally:
        await made.close()


def watched(then: Callable[[Observed], Awaitable[None]]) -> Notes:
    """What is noted while `then` uses the transport."""
    notes = Notes()

    async def run() -> None:
        async with pool() as below:
            await then(Observed(below, notes.begun, "req_1"))

    asyncio.run(run())
    return notes


async def all_of(incoming: Incoming) -> None:
    while await incoming.read():
        pass


def ask(url: str) -> Outgoing:
    return Outgoing(url=f"{url}/chat/completions", headers={}, body=ASK)


def test_an_exchange_is_told_from_its_request_to_its_end(upstream: Upstream) -> None:
    upstream.then(raw_stream(b"data: a\n\n", b"data: b\n\n"))

    async def use(transport: Observed) -> None:
        incoming = await transport.send(ask(upstream.url))
        await all_of(incoming)
        incoming.close()

    notes = watched(use)
    assert notes.sent is not None
    assert (notes.cause, notes.sent.body, notes.status) == ("req_1", ASK, 200)
    assert notes.body == b"data: a\n\ndata: b\n\n"
    assert notes.ends == [""]


def test_an_answer_that_is_closed_early_ends_once(upstream: Upstream) -> None:
    upstream.then(raw_stream(b"data: a\n\n", b"data: b\n\n"))

    async def use(transport: Observed) -> None:
        incoming = await transport.send(ask(upstream.url))
        incoming.close()
        incoming.close()

    assert watched(use).ends == [""]


def test_a_request_that_fails_is_told_with_its_reason(upstream: Upstream) -> None:
    upstream.then(reset_before_headers())

    async def use(transport: Observed) -> None:
        with pytest.raises(TransportError):
            await transport.send(ask(upstream.url))

    (end,) = watched(use).ends
    assert "broke before an answer came" in end


def test_a_stream_that_breaks_is_told_with_its_reason(upstream: Upstream) -> None:
    upstream.then(raw_stream(b"data: a\n\n", b"data: b\n\n").reset_after(1))

    async def use(transport: Observed) -> None:
        incoming = await transport.send(ask(upstream.url))
        with pytest.raises(TransportError):
            await all_of(incoming)
        incoming.close()

    (end,) = watched(use).ends
    assert "the connection broke" in end


def test_a_request_that_is_given_up_is_told_so(upstream: Upstream) -> None:
    upstream.then(raw_stream(b"data: a\n\n").late(60))

    async def use(transport: Observed) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await transport.send(ask(upstream.url))

    assert watched(use).ends == ["given up by idetour, or by the client"]


def test_nobody_is_told_of_what_answers_no_request() -> None:
    notes, profiled = Notes(), Profiled(name="demo", title="Demo", url="demo:", speaks="demo")
    transports = Transports(Pool(), observe=notes.begun)
    assert isinstance(transports.to(profiled, "req_1"), Observed)
    assert not isinstance(transports.to(profiled), Observed)
    transports.observe = None
    assert not isinstance(transports.to(profiled, "req_1"), Observed)
