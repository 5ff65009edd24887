"""Serve the app on an asyncio loop that is not ours: mitmproxy's, a test's, or our own.

uvicorn's HTTP protocol is used without uvicorn's server, which would install
signal handlers and call `sys.exit` when a port is taken. Besides listening it
can *adopt* a connection that somebody else accepted.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from idetour.endpoints.app import App

KEEP_ALIVE_SECONDS = 120
GOODBYE_SECONDS = 1.0  # for running answers when we stop


def small_tls_buffers() -> None:
    """asyncio gives each TLS connection a zeroed 256 KB buffer; 16 KB, one TLS record, is as quick."""
    from asyncio import sslproto

    sslproto.SSLProtocol.max_size = 16 << 10


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

    async def listen(
        self, host: str, port: int, *, hop: bool = False, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen; returns the port. With `hop`, only requests with a ticket are answered. Raises OSError."""
        factory = partial(self._protocol, {"hop": hop})
        listener = await asyncio.get_running_loop().create_server(factory, host, port, ssl=tls, backlog=1024)
        self._listeners.append(listener)
        return int(listener.sockets[0].getsockname()[1])

    def adopt(self, transport: asyncio.Transport, received: bytes) -> asyncio.Future[None]:
        """Serve a connection that was accepted elsewhere, `received` being what it has sent so far.

        Returns a future that is done when the connection is closed.
        """
        closed = asyncio.get_running_loop().create_future()
        protocol = self._protocol({"hop": False}, closed)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(received)
        return closed

    def _protocol(
        self, state: dict[str, Any], closed: "asyncio.Future[None] | None" = None
    ) -> HttpToolsProtocol:
        return Connection(closed, config=self._config, server_state=self._state, app_state=state)

    def stop(self) -> None:
        """Stop at once: listeners close, idle connections close, running answers are cut."""
        for listener in self._listeners:
            listener.close()
        for connection in list(self._state.connections):
            with contextlib.suppress(Exception):
                connection.transport.abort()
        for task in list(self._state.tasks):
            task.cancel()


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, which can also tell when its connection is over."""

    def __init__(self, closed: "asyncio.Future[None] | None", **settings: Any) -> None:
        super().__init__(**settings)
        self._closed = closed

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
