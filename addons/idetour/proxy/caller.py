"""A connection that mitmproxy has accepted and not read from yet: what it says first, and whose it becomes."""

import asyncio
from dataclasses import dataclass
from typing import Self

from mitmproxy import connection, ctx
from mitmproxy.proxy.layers.tls import parse_client_hello

from idetour.proxy.engine import plain

FIRST_BYTES_SECONDS = 120.0  # how long it may be silent
FIRST_BYTES = 1 << 20  # that are read at once
HELLO_BYTES = 16 << 10  # of a ClientHello: most have one or two thousand
HELLO_SECONDS = 10.0  # how long it may take


@dataclass(slots=True)
class Caller:
    client: connection.Client
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    said: bytes = b""  # what was read, and nobody has been given yet

    @classmethod
    def of(cls, client: connection.Client) -> Self | None:
        """None where the connection is not asyncio's, or mitmproxy keeps it elsewhere than where we look:
        neither name is documented.
        """
        handler = getattr(ctx.master.addons.get("proxyserver"), "connections", {}).get(client.id)
        ports = getattr(handler, "transports", {}).get(client)
        if not (ports and isinstance(ports.reader, asyncio.StreamReader)):
            return None
        return cls(client, ports.reader, ports.writer)

    @property
    def transport(self) -> asyncio.WriteTransport:
        return self._writer.transport

    async def hear(self) -> bool:
        """Wait for more. False: nothing comes, and nobody has to go on with it."""
        try:
            async with asyncio.timeout(FIRST_BYTES_SECONDS):
                more = await self._reader.read(FIRST_BYTES)
        except (TimeoutError, OSError):
            more = b""
        if not more:
            self.client.error = "nothing was sent"
        self.said += more
        return bool(more)

    async def named(self, default: str = "") -> str | None:
        """The host that its ClientHello asks for; `default` where it names none. None: it is no ClientHello."""
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                while not (hello := parse_client_hello(self.said)):
                    if len(self.said) > HELLO_BYTES or not await self.hear():
                        return None
        except TimeoutError:
            self.client.error = "its ClientHello takes too long"
            return None
        except ValueError:
            return None
        return plain(hello.sni or default)

    def take(self) -> bytes:
        """What it has said, which is not kept here: connections live long."""
        said, self.said = self.said, b""
        return said

    def answer(self, data: bytes) -> None:
        self._writer.write(data)

    def put_back(self) -> None:
        """Leave it to mitmproxy, which drops what was asked by one that has left."""
        if self._reader.at_eof():
            self.client.error = "it has left"
        else:
            self._reader.feed_data(self.take())
