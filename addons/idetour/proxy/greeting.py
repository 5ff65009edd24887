"""Who may connect, and which connections the gateway takes whole: the fast way, past mitmproxy's layers.

    a request to our own address                    served
    CONNECT to an intercepted host, or TLS to it    TLS is ended here with our leaf, then served
    anything else, and what people want to see      mitmproxy's own way: door.py

The client's own transport is handed over: there is no second socket on the way, and
nothing on loopback for others to knock at.
"""

import logging
import re
import ssl
from collections import Counter

from mitmproxy import connection, ctx

from idetour.addresses import is_loopback
from idetour.endpoints.entry import Line
from idetour.proxy.audience import inspected
from idetour.proxy.caller import Caller
from idetour.proxy.engine import Engine, plain
from idetour.proxy.handshakes import Handshakes

log = logging.getLogger("idetour")

# First byte of a program that takes us for a SOCKS server → what refuses it in its protocol (RFC 1928, SOCKS 4).
SOCKS = {b"\x05": b"\x05\xff", b"\x04": b"\x00\x5b" + bytes(6)}
OWNERS = re.compile(rb"[A-Z]+ /admin[/? ]")  # pages that poll, and no model's business
METHODS = (b"GET /", b"POST /", b"HEAD /", b"OPTIONS /", b"PUT /", b"DELETE /", b"PATCH /")
# A whole head and nothing after it.
CONNECT = re.compile(rb"CONNECT ([A-Za-z0-9.-]+):[0-9]+ HTTP/1\.[01]\r\n(?:[^\r\n]+\r\n)*\r\n")
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
MOST_OF_ONE = 400  # connections of another machine: below what most systems let a process open
ITS_LOG = "mitmproxy.proxy.server"
HANDSHAKE = b"\x16"  # how TLS begins: the type of its first record (RFC 8446 §5.1)


class Served(logging.Filter):
    """mitmproxy takes a connection that was handed over for one that was turned away, and says so."""

    def __init__(self) -> None:
        super().__init__()
        self.clients: set[tuple[str, int]] = set()  # their addresses

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg != "client kill connection" or getattr(record, "client", None) not in self.clients


class Greeting:
    """Tells by the first bytes who speaks to us as to a server, who wants an intercepted host, and who all else."""

    def __init__(self, engine: Engine, handshakes: Handshakes) -> None:
        self.to_us: set[str] = set()  # connections of mitmproxy's that speak to us as to a server
        self._engine, self._handshakes = engine, handshakes
        self._socks_told = False
        self._of: Counter[str] = Counter()  # connections, by the address of another machine
        self._served = Served()

    def running(self) -> None:
        logging.getLogger(ITS_LOG).addFilter(self._served)

    def done(self) -> None:
        logging.getLogger(ITS_LOG).removeFilter(self._served)

    async def client_connected(self, client: connection.Client) -> None:
        """Turn away other machines; serve what nobody has to look at."""
        if not is_loopback(address := client.peername[0]):
            self._of[address] += 1
            if not ctx.options.idetour_lan:
                client.error = "only this machine may use idetour"
            elif self._of[address] > MOST_OF_ONE:
                client.error = "too many connections from one machine"
        if client.error is not None:
            return
        # Before it listens, an intercepted host would pass as one of the others.
        gateway = await self._engine.open()
        gateway.upkeep.warm_up()
        mode, caller = client.proxy_mode.type_name, Caller.of(client)
        if caller is None or mode not in ("regular", "reverse"):
            return
        if await caller.hear() and not (mode == "regular" and await self._visited(caller)):
            await self._intercept(caller, tunnels=mode == "regular")
        if client.error is None:
            caller.put_back()

    def client_disconnected(self, client: connection.Client) -> None:
        self.to_us.discard(client.id)
        self._served.clients.discard(client.peername)
        if (address := client.peername[0]) in self._of:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]

    async def _visited(self, caller: Caller) -> bool:
        """Whether it speaks to us as to a server."""
        if refusal := SOCKS.get(caller.said[:1]):
            caller.answer(refusal)
            caller.client.error = "this port speaks HTTP"
            self._tell_of_socks(caller.client.sockname[1])
        elif not caller.said.startswith(METHODS):
            return False
        elif OWNERS.match(caller.said) or not inspected(intercepted=False):
            await self._serve(caller)
        else:
            self.to_us.add(caller.client.id)
        return True

    async def _intercept(self, caller: Caller, *, tunnels: bool) -> None:
        """Serve one that wants an intercepted host, unless it is mitmproxy's to serve."""
        if inspected(intercepted=True):
            return
        asked = CONNECT.fullmatch(caller.said) if tunnels else None
        if asked and (host := plain(asked[1].decode())) in self._engine.hosts:
            await self._tunnel(caller, host)
        elif caller.said.startswith(HANDSHAKE) and (name := await caller.named()) in self._engine.hosts:
            await self._secure(caller, name)

    async def _tunnel(self, caller: Caller, host: str) -> None:
        """Serve what comes after CONNECT: plain HTTP, or TLS, perhaps to another host of ours.

        All else would go on to that host, and nobody gets there through us.
        """
        caller.take()
        caller.answer(CONNECTED)
        if not await caller.hear():
            return
        if caller.said.startswith(METHODS):
            await self._serve(caller, Line(host, self._engine.hosts))
        elif caller.said.startswith(HANDSHAKE) and (name := await caller.named(host)) in self._engine.hosts:
            await self._secure(caller, name)
        else:
            caller.client.error = "this host is intercepted, and its requests are answered here"

    async def _secure(self, caller: Caller, name: str) -> None:
        try:
            await self._serve(caller, Line(name, self._engine.hosts), self._engine.tls[name])
        except OSError as error:
            caller.client.sni = name
            self._handshakes.broken(caller.client, error)

    async def _serve(
        self, caller: Caller, line: Line | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Hand the connection over until it ends. Raises OSError for a TLS handshake that fails."""
        caller.client.error = "served"  # what mitmproxy shall not go on with
        self._served.clients.add(caller.client.peername)
        gateway = await self._engine.open()
        await gateway.server.adopt(caller.transport, caller.take(), line=line, tls=tls)

    def _tell_of_socks(self, port: int) -> None:
        """Once: such a program tries again and again."""
        if not self._socks_told:
            self._socks_told = True
            log.warning(
                "A program speaks SOCKS to port %s, which is an HTTP proxy: set it so there, or start idetour "
                "with `--mode socks5@127.0.0.1:1080`.",
                port,
            )
