"""One client of a system under test: a connection, and the times of what comes back on it."""

import asyncio
import ssl
import sys
import time
from dataclasses import dataclass, field
from functools import cache

import httptools

from .script import STAMP, STAMP_LENGTH, Script, write


@dataclass(frozen=True, slots=True)
class Door:
    """Where and how a client gets in."""

    port: int
    ca: str | None = None  # file; without one the door takes plain HTTP
    host: str = "localhost"
    connect: str | None = None  # HOST:PORT asked of a proxy with CONNECT
    model: str = "gpt-4o"

    @property
    def head(self) -> bytes:
        return (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.host}\r\n"
            "Authorization: Bearer bench\r\nContent-Type: application/json\r\nContent-Length: "
        ).encode()

    def request(self, script: Script, size: int) -> bytes:
        body = write(script, model=self.model, size=size)
        return self.head + b"%d\r\n\r\n" % len(body) + body


@cache
def trust(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


@dataclass(slots=True)
class Answer:
    began: int  # all times: ns of CLOCK_MONOTONIC
    # arrived here, when the mock had the request, when it sent the event
    events: list[tuple[int, int, int]] = field(default_factory=list)
    status: int = 0

    @property
    def first(self) -> float:
        """µs to the first event and back, without what the mock waited in between."""
        arrived, got, sent = self.events[0]
        return (got - self.began + arrived - sent) / 1000

    def whole(self, chunks: int) -> bool:
        return self.status == 200 and len(self.events) == chunks


class Client(asyncio.Protocol):
    """One connection, with one request on it at a time."""

    transport: asyncio.Transport
    connecting = False

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.tunnel, self.done, self.enough = (self.loop.create_future() for _ in range(3))
        self.expect(Answer(0))

    def expect(self, answer: Answer) -> None:
        self.answer = answer
        self.done = self.loop.create_future()
        self.wanted = sys.maxsize  # events, for `enough`
        self.parser = httptools.HttpResponseParser(self)
        self.tail = self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        for waiting in (self.tunnel, self.done, self.enough):
            if not waiting.done():
                waiting.set_exception(ConnectionError("the connection was closed"))
                waiting.exception()  # perhaps nobody waits

    def data_received(self, data: bytes) -> None:
        self.arrived = time.monotonic_ns()
        if self.connecting:
            self.tunnel.set_result(None)  # the answer to CONNECT has no body and comes in one piece
        else:
            self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.tail += body
        end = 0
        for found in STAMP.finditer(self.tail):
            self.answer.events.append((self.arrived, int(found[1]), int(found[2])))
            end = found.end()
        if len(self.answer.events) >= self.wanted and not self.enough.done():
            self.enough.set_result(None)
        self.tail = self.tail[max(end, len(self.tail) - STAMP_LENGTH) :]
        if not self.answer.events:
            self.body += body

    def on_message_complete(self) -> None:
        self.answer.status = self.parser.get_status_code()
        if not self.done.done():
            self.done.set_result(None)

    def send(self, request: bytes) -> Answer:
        self.expect(Answer(time.monotonic_ns()))
        self.transport.write(request)
        return self.answer

    async def ask(self, request: bytes) -> Answer:
        answer = self.send(request)
        await self.done
        return answer

    async def ask_for(self, request: bytes, *, events: int) -> None:
        """Send, and return when that many events are there; more will come."""
        self.enough = self.loop.create_future()
        self.send(request)
        self.wanted = events
        await self.enough

    async def ask_proxy(self, target: str) -> None:
        self.connecting = True
        self.transport.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        await self.tunnel
        self.connecting = False


async def enter(door: Door) -> Client:
    loop = asyncio.get_running_loop()
    context = trust(door.ca) if door.ca else None
    if not door.connect:
        name = door.host if context else None
        dialled = loop.create_connection(Client, "127.0.0.1", door.port, ssl=context, server_hostname=name)
        return (await dialled)[1]
    transport, client = await loop.create_connection(Client, "127.0.0.1", door.port)
    await client.ask_proxy(door.connect)
    assert context
    secured = await loop.start_tls(transport, client, context, server_hostname=door.host)
    assert secured
    client.connection_made(secured)
    return client
