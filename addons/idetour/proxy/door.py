"""Which flows are ours, and their way to the gateway; all others pass untouched.

    CONNECT or hosts file, an intercepted host    TLS is ended with our leaf, the flow goes to the gateway
    a request to our own address                  the same, without TLS
    anything else                                 tunnelled, with the origin's own certificate, but never to this machine

Connections that need not become flows do not come here: see greeting.py. A flow is
redirected for the moment of sending only, so that people see the URL that the IDE
asked for, and a replay takes the same way again.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Set
from dataclasses import replace

from mitmproxy import connection, ctx, http, tls
from mitmproxy.proxy import server_hooks

from idetour.addresses import is_loopback
from idetour.endpoints.entry import TICKET
from idetour.proxy.engine import Engine, plain
from idetour.proxy.scribe import Scribe

FAKE_IPS = ipaddress.ip_network("198.18.0.0/15")  # what Clash and others resolve every name to


class Door:
    """Decides of each flow whose it is. `to_us` are the connections that speak to us as to a server."""

    def __init__(self, engine: Engine, scribe: Scribe, to_us: Set[str]) -> None:
        self._engine, self._scribe, self._to_us = engine, scribe, to_us
        self._ways: dict[str, tuple[str, str, int, bytes, str]] = {}  # flow id → where it was meant to go

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Leave the TLS of other hosts alone: they keep their own certificate."""
        if data.context.client.proxy_mode.type_name == "reverse":
            return
        name = plain(data.client_hello.sni or (data.context.server.address or ("",))[0])
        if name in self._engine.hosts:
            data.context.client.sni = name  # by this mitmproxy finds our certificate
        elif not is_loopback(name):
            data.ignore_connection = True

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if (host := self._mine(flow)) is not None:
            self._scribe.remember(flow, self._scribe.take_credentials(flow, host or None))

    async def request(self, flow: http.HTTPFlow) -> None:
        known = self._scribe.entries.get(flow.id)
        if known is None or flow.response is not None:
            return
        gateway = await self._engine.open()
        client = flow.client_conn.peername
        local = client is not None and is_loopback(client[0])
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
        if host in self._engine.hosts:
            return host
        if flow.client_conn.proxy_mode.type_name == "reverse" or flow.client_conn.id in self._to_us:
            return ""
        sockname = flow.client_conn.sockname
        to_us = host in (sockname[0], "localhost") or is_loopback(host)
        return "" if to_us and flow.request.port == sockname[1] else None

    async def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Nobody may reach an intercepted host (ourselves, by a hosts file) or this machine's services through us."""
        address = data.server.address
        gateway = self._engine.gateway
        if address is None or (gateway and address == ("127.0.0.1", gateway.hop)):
            return
        if plain(address[0]) in self._engine.hosts:
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


def reachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, lan: bool) -> bool:
    """Whether we tunnel to it: the internet, and private networks as long as only this machine can ask us."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
        return False
    return not lan or address.is_global or address in FAKE_IPS
