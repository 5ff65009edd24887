"""Serve the app on an asyncio loop that is not ours: mitmproxy's, a test's, or our own.

uvicorn's HTTP protocol is used without uvicorn's server, which would install
signal handlers and call `sys.exit` when a port is taken. Besides listening it
can *adopt* a connection that somebody else accepted.
"""

import asyncio
import contextlib
import ssl
from asyncio.sslproto import SSLProtocol
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from idetour.endpoints.app import App
from idetour.endpoints.entry import Line
from idetour.errors import BadRequest, RequestError, openai_body

KEEP_ALIVE_SECONDS = 120  # how long a connection may be idle
HEAD_SECONDS = 10.0  # how long a request's head may take
HEAD_BYTES = 128 << 10  # and how long it may be: the largest cookies and tokens are a tenth of it
TOO_LONG = RequestError(
    f"The request's head is longer than {HEAD_BYTES >> 10} KiB.", status=431, type="invalid_request_error"
)


def small_tls_buffers() -> None:
    """asyncio gives each TLS connection a zeroed buffer of 256 KB; one of 4 KB is as quick for what models send."""
    SSLProtocol.max_size = 4 << 10


@dataclass(slots=True)
class Server:
    app: App
    _config: Config = field(init=False)
    _state: ServerState = field(default_factory=ServerState)
    _listeners: list[asyncio.Server] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._config = Config(
            self.app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()

    async def listen(self, host: str, port: int, *, hop: bool = False) -> int:
        """Listen; returns the port. With `hop`, only requests with a ticket are answered. Raises OSError."""
        factory = partial(self._protocol, {"hop": hop})
        listener = await asyncio.get_running_loop().create_server(factory, host, port, backlog=1024)
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    async def adopt(
        self,
        transport: asyncio.WriteTransport,
        received: bytes,
        *,
        line: Line | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve a connection that was accepted elsewhere until it is closed.

        `received` is what it has sent so far, `line` says that it is for an intercepted host. With
        `tls` it begins with a handshake; raises OSError where that fails.
        """
        loop = asyncio.get_running_loop()
        closed, shaken = loop.create_future(), loop.create_future()
        protocol: asyncio.BaseProtocol = self._protocol({"hop": False, "line": line}, closed)
        if tls is None:
            shaken.set_result(None)
        else:
            protocol = Incoming(loop, protocol, tls, shaken, server_side=True)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        feed(protocol, received)
        del received  # may be long, and what follows takes as long as the connection
        await shaken
        if not transport.is_closing():  # else it ended before it began, and `closed` will never be done
            await closed

    def _protocol(
        self, state: dict[str, Any], closed: "asyncio.Future[None] | None" = None
    ) -> HttpToolsProtocol:
        return Connection(closed, config=self._config, server_state=self._state, app_state=state)

    def halt(self) -> set[asyncio.Task[None]]:
        """Stop at once: listeners close, idle connections close, running answers are cut.

        Returns what still cleans up behind itself.
        """
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            for sock in listener.sockets:
                with contextlib.suppress(NotImplementedError):  # Windows
                    loop.remove_reader(sock)
        self._cut()
        loop.call_soon(self._close)
        ending = set(self._state.tasks)
        for task in ending:
            task.cancel()
        return ending

    def _close(self) -> None:
        """A turn later: what was accepted last gets its transport only now, or never: python/cpython#109564."""
        for listener in self._listeners:
            listener.close()
        asyncio.get_running_loop().call_soon(self._cut)

    def _cut(self) -> None:
        for connection in list(self._state.connections):
            with contextlib.suppress(Exception):
                connection.transport.abort()


class Incoming(SSLProtocol):
    """TLS of a client: its requests are long, and come in records of 16 KB."""

    max_size = 16 << 10


def feed(protocol: asyncio.BaseProtocol, data: bytes) -> None:
    """Give a protocol what was read for it."""
    if isinstance(protocol, asyncio.Protocol):
        protocol.data_received(data)
    elif isinstance(protocol, asyncio.BufferedProtocol):
        while data:
            buffer = memoryview(protocol.get_buffer(len(data)))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            protocol.buffer_updated(size)
            data = data[size:]


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, which can also tell when its connection is over, and does not wait for ever for a head."""

    def __init__(self, closed: "asyncio.Future[None] | None", **settings: Any) -> None:
        super().__init__(**settings)
        self._closed = closed
        self._head: asyncio.TimerHandle | None = None
        self._bare_bytes = 0  # since the request, or a piece of its body, began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport))  # type: ignore[arg-type]  # all that it lacks, it passes on
        self._await_head(KEEP_ALIVE_SECONDS)

    def data_received(self, data: bytes) -> None:
        self._bare_bytes += len(data)
        super().data_received(data)
        if self._bare_bytes > HEAD_BYTES:
            self._refuse(TOO_LONG) if self._head else self.transport.abort()
        elif not self._head and self.cycle.response_complete:  # what is left of a body that nobody reads
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                KEEP_ALIVE_SECONDS, self.timeout_keep_alive_handler
            )

    def send_400_response(self, msg: str) -> None:
        """What uvicorn says in plain text, as a client of an API expects it."""
        self._refuse(BadRequest("What was sent is no HTTP/1.1 request that can be read."))

    def _refuse(self, error: RequestError) -> None:
        """Answer before there is a request."""
        said = openai_body(error)
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: application/json\r\n"
        )
        head += f"content-length: {len(said)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + said)
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bare_bytes = 0
        self._await_head(HEAD_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """After a body come trailers: they are no part of a head that was judged, and there may be no end of them."""
        if self._head is not None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()  # which may find that it is none
        self._await_head(None)

    def on_body(self, body: bytes) -> None:
        self._bare_bytes = 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await_head(None)
        super().connection_lost(exc)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def _await_head(self, seconds: float | None) -> None:
        if self._head:
            self._head.cancel()
        close = self.timeout_keep_alive_handler
        self._head = None if seconds is None else self.loop.call_later(seconds, close)


class Corked:
    """A transport that writes once per turn of the loop: an answer's head, first event and end are one packet."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pieces:
            self._transport.write(b"".join(self._pieces))
            self._pieces.clear()
