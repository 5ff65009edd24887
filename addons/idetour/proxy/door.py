"""Which flows are ours, and their way to the gateway; all others pass untouched.

    CONNECT or hosts file, an intercepted host    TLS is ended with our leaf, the flow goes to the gateway
    a request to our own address                  adopted whole by the gateway, or a flow when flows are displayed
    anything else                                 tunnelled, with the origin's own certificate, but never to this machine

The flow is redirected for the moment of sending only, so that people see the
URL that the IDE asked for, and a replay takes the same way again.
"""

import asyncio
import ipaddress
import logging
import re
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from mitmproxy import connection, ctx, http, tls
from mitmproxy.proxy import server_hooks

from idetour import home
from idetour.certs.authority import ensure
from idetour.certs.outbound import outbound_context
from idetour.endpoints import admin
from idetour.endpoints.entry import TICKET
from idetour.endpoints.health import Refusals
from idetour.endpoints.serve import Gateway, assemble
from idetour.errors import IdetourError
from idetour.gateway.chronicle import secrets_of
from idetour.profile.read import find
from idetour.profile.watch import Watched
from idetour.proxy import settings, trusted
from idetour.proxy.scribe import Scribe, kept_for_people

log = logging.getLogger("idetour")

FIRST_BYTES_SECONDS = 120.0  # how long a new connection may be silent
FAKE_IPS = ipaddress.ip_network("198.18.0.0/15")  # what Clash and others resolve every name to
# First byte of a program that takes us for a SOCKS server → what refuses it in its protocol (RFC 1928, SOCKS 4).
SOCKS = {b"\x05": b"\x05\xff", b"\x04": b"\x00\x5b" + bytes(6)}
OWNERS = re.compile(rb"[A-Z]+ /admin[/? ]")  # pages that poll, and no model's business
METHODS = (b"GET /", b"POST /", b"HEAD /", b"OPTIONS /", b"PUT /", b"DELETE /", b"PATCH /")


class Door:
    """Starts the gateway with mitmproxy, and decides of each connection and each flow whose it is."""

    def __init__(self, scribe: Scribe, handshakes: Refusals) -> None:
        self.announce: Callable[[], None] = lambda: None  # called once all of it listens
        self.problem: BaseException | None = None  # why it could not start
        self._scribe = scribe
        self._handshakes = handshakes
        self.gateway: Gateway | None = None  # from the moment that mitmproxy runs
        self._starting: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._socks_told = False
        self._covered: frozenset[str] = frozenset()  # hosts that our authority can vouch for
        self._to_us: set[str] = set()  # connections that speak to us as to a server, not as to a proxy
        self._ways: dict[str, tuple[str, str, int, bytes, str]] = {}  # flow id → where it was meant to go

    # Both must be sync: mitmproxy's reload of a script dies silently on async ones.
    def running(self) -> None:
        try:
            self._begin()
        except IdetourError as error:
            log.error(str(error))
            sys.exit(1)

    def done(self) -> None:
        if self._starting:
            self._starting.cancel()
        if self.gateway:
            self.gateway.halt()

    def _begin(self) -> None:
        watched = Watched(find(ctx.options.idetour_profile or None))
        profile = watched.current
        if ctx.options.idetour_lan and not profile.access:
            raise IdetourError(
                "Serving other machines needs an access key: set IDETOUR_API_KEY, or `access:` in the profile."
            )
        authority = ensure(home.folder("certs"), sorted({*profile.catalog.hosts, *profile.hosts}))
        if authority.reason:
            log.warning(authority.reason)
        self._covered = frozenset(authority.chains)
        ctx.options.update(certs=[f"{host}={chain}" for host, chain in authority.chains.items()])
        if not ctx.options.idetour_lan:
            ctx.options.update(mode=settings.closed(ctx.options.mode, ctx.options.listen_host))
        state = home.folder("state")
        self.gateway = assemble(
            watched,
            context=lambda ca: outbound_context(authority, ca),
            state=state,
            admin=admin.token(state),
            lan=ctx.options.idetour_lan,
            keep_bodies=ctx.options.idetour_keep_bodies,
        )
        self.gateway.app.admin.authority = partial(trusted.told, home.folder("certs"))
        self.gateway.upkeep.own = self._ports
        self._scribe.keys = lambda: secrets_of(watched.current)
        if not ctx.options.idetour_lan:  # which programs run here is nobody else's business
            self.gateway.app.handshakes = self._handshakes
        self._starting = asyncio.get_running_loop().create_task(self._start(self.gateway))
        self._starting.add_done_callback(self._started)

    async def _start(self, gateway: Gateway) -> None:
        gateway.hop = await gateway.server.listen("127.0.0.1", 0, hop=True)
        gateway.upkeep.start()
        self._up.set()
        self.announce()
        log.info(
            "idetour answers with profile %s: here below /v1, and for %s through the proxy",
            gateway.watched.current.name,
            ", ".join(self.hosts),
        )

    def _started(self, start: asyncio.Task[None]) -> None:
        """One that failed ends mitmproxy, which would go on without us."""
        if not start.cancelled() and (error := start.exception()):
            self.problem = error
            log.error("idetour cannot start: %s", error)
            ctx.master.shutdown()

    async def _open(self) -> Gateway:
        """The gateway, once it listens: mitmproxy accepts connections before it says that it runs."""
        await self._up.wait()
        assert self.gateway
        return self.gateway

    @property
    def hosts(self) -> frozenset[str]:
        """The intercepted hosts. One that was added while we run and that our authority lacks waits for a restart."""
        return self._covered.intersection(self.gateway.watched.current.hosts) if self.gateway else frozenset()

    def _ports(self) -> frozenset[int]:
        return frozenset(address[1] for address in ctx.master.addons.get("proxyserver").listen_addrs())

    async def client_connected(self, client: connection.Client) -> None:
        """Turn away other machines; hand plain requests to our own address straight to the gateway."""
        if not (ctx.options.idetour_lan or settings.is_loopback(client.peername[0].partition("%")[0])):
            client.error = "only this machine may use idetour"
            return
        gateway = await self._open()  # before that, an intercepted host would pass as one of the others
        gateway.upkeep.warm_up()
        if client.proxy_mode.type_name == "regular":
            await self._greet(client, gateway)

    def client_disconnected(self, client: connection.Client) -> None:
        self._to_us.discard(client.id)

    def _inspects(self) -> bool:
        wish = ctx.options.idetour_inspect
        return wish == "always" or (wish == "auto" and kept_for_people())

    async def _greet(self, client: connection.Client, gateway: Gateway) -> None:
        """Tell who speaks to us as to a server from who uses us as a proxy, by the first bytes.

        The former is served past mitmproxy, at a third of the cost per request, unless flows are wanted.
        mitmproxy has not read from the connection yet; what it shall see is put back.
        """
        # Neither name is documented. Where they are gone, all takes mitmproxy's own way.
        handler = getattr(ctx.master.addons.get("proxyserver"), "connections", {}).get(client.id)
        ports = getattr(handler, "transports", {}).get(client)
        if not (ports and isinstance(ports.reader, asyncio.StreamReader)):
            return
        try:
            async with asyncio.timeout(FIRST_BYTES_SECONDS):
                first = await ports.reader.read(1 << 20)
        except (TimeoutError, OSError):
            first = b""
        if not first:
            client.error = "nothing was sent"
        elif refusal := SOCKS.get(first[:1]):
            ports.writer.write(refusal)
            client.error = "this port speaks HTTP"
            self._tell_of_socks(client.sockname[1])
        elif first.startswith(METHODS) and (OWNERS.match(first) or not self._inspects()):
            await gateway.server.adopt(ports.writer.transport, first)
            client.error = "served"
        else:
            if first.startswith(METHODS):
                self._to_us.add(client.id)
            ports.reader.feed_data(first)

    def _tell_of_socks(self, port: int) -> None:
        """Once: such a program tries again and again."""
        if not self._socks_told:
            self._socks_told = True
            log.warning(
                "A program speaks SOCKS to port %s, which is an HTTP proxy: set it so there, or start idetour "
                "with `--mode socks5@127.0.0.1:1080`.",
                port,
            )

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Leave the TLS of other hosts alone: they keep their own certificate."""
        if data.context.client.proxy_mode.type_name == "reverse":
            return
        name = plain(data.client_hello.sni or (data.context.server.address or ("",))[0])
        if name in self.hosts:
            data.context.client.sni = name  # by this mitmproxy finds our certificate
        elif not settings.is_loopback(name):
            data.ignore_connection = True

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if (host := self._mine(flow)) is not None:
            self._scribe.remember(flow, self._scribe.take_credentials(flow, host or None))

    async def request(self, flow: http.HTTPFlow) -> None:
        known = self._scribe.entries.get(flow.id)
        if known is None or flow.response is not None:
            return
        gateway = await self._open()
        client = flow.client_conn.peername
        local = client is not None and settings.is_loopback(client[0].partition("%")[0])
        entry = replace(known, local=local, record=None)
        self._scribe.remember(flow, entry)
        request = flow.request
        data = request.data
        self._ways[flow.id] = (request.scheme, data.host, data.port, data.authority, request.path)
        request.path = entry.path
        request.headers[TICKET] = gateway.app.tickets.issue(entry)
        request.scheme, request.data.host, request.data.port = "http", "127.0.0.1", gateway.hop
        # A connection of its own, so that no upstream proxy lies on the way.
        flow.server_conn = connection.Server(address=("127.0.0.1", gateway.hop))

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self._restore(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._restore(flow)

    def _restore(self, flow: http.HTTPFlow) -> None:
        """Show the flow as the IDE sent it."""
        if way := self._ways.pop(flow.id, None):
            request = flow.request
            request.scheme, request.data.host, request.data.port, request.data.authority, request.path = way
            request.headers.pop(TICKET, None)

    def _mine(self, flow: http.HTTPFlow) -> str | None:
        """The intercepted host of a flow; `""` for one to our own address; None for one that is not ours."""
        if flow.is_replay and (known := self._scribe.entries.get(flow.id)):
            return known.host or ""
        host = plain(flow.request.pretty_host)
        if host in self.hosts:
            return host
        if flow.client_conn.proxy_mode.type_name == "reverse" or flow.client_conn.id in self._to_us:
            return ""
        sockname = flow.client_conn.sockname
        to_us = host in (sockname[0], "localhost") or settings.is_loopback(host)
        return "" if to_us and flow.request.port == sockname[1] else None

    async def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Nobody may reach an intercepted host (ourselves, by a hosts file) or this machine's services through us."""
        address = data.server.address
        if address is None or (self.gateway and address == ("127.0.0.1", self.gateway.hop)):
            return
        if plain(address[0]) in self.hosts:
            data.server.error = (
                "idetour's loop guard: this host is intercepted, and its requests are answered here"
            )
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(*address[:2], type=socket.SOCK_STREAM)
        except OSError:
            return  # mitmproxy says what is wrong
        addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        if not all(reachable(each, lan=ctx.options.idetour_lan) for each in addresses):
            data.server.error = "idetour does not connect to this machine's own services for others"


def plain(host: str) -> str:
    """A host's name as we compare it: names have no case, and a dot at the end changes nothing."""
    return host.lower().rstrip(".")


def reachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, lan: bool) -> bool:
    """Whether we tunnel to it: the internet, and private networks as long as only this machine can ask us."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return False
    return not lan or address.is_global or address in FAKE_IPS
