"""Starts the gateway with mitmproxy, on mitmproxy's own loop, and stops it with it."""

import asyncio
import logging
import ssl
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from mitmproxy import ctx

from idetour import home
from idetour.certs.authority import ensure
from idetour.certs.outbound import outbound_context
from idetour.endpoints import admin
from idetour.endpoints.health import Refusals
from idetour.endpoints.serve import Gateway, assemble
from idetour.errors import IdetourError
from idetour.gateway.chronicle import secrets_of
from idetour.profile.read import find
from idetour.profile.watch import Watched
from idetour.proxy import settings, trusted
from idetour.proxy.scribe import Scribe

log = logging.getLogger("idetour")


class Engine:
    """The running gateway, for the other addons: which there is from the moment that mitmproxy runs."""

    def __init__(self, scribe: Scribe, refusals: Refusals) -> None:
        self.announce: Callable[[], None] = lambda: None  # called once all of it listens
        self.problem: BaseException | None = None  # why it could not start
        self.gateway: Gateway | None = None
        self.tls: Mapping[str, ssl.SSLContext] = {}  # host that our authority can vouch for → as we show it
        self._scribe, self._refusals = scribe, refusals
        self._starting: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

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
        self.tls = {host: shown(chain) for host, chain in authority.chains.items()}
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
        self.gateway.upkeep.own = ports
        self._scribe.keys = lambda: secrets_of(watched.current)
        if not ctx.options.idetour_lan:  # which programs run here is nobody else's business
            self.gateway.app.handshakes = self._refusals
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

    async def open(self) -> Gateway:
        """The gateway, once it listens: mitmproxy accepts connections before it says that it runs."""
        await self._up.wait()
        assert self.gateway
        return self.gateway

    @property
    def hosts(self) -> frozenset[str]:
        """The intercepted hosts. One that was added while we run and that our authority lacks waits for a restart."""
        return (
            frozenset(self.gateway.watched.current.hosts) & self.tls.keys() if self.gateway else frozenset()
        )


def plain(host: str) -> str:
    """A host's name as we compare it: names have no case, and a dot at the end changes nothing."""
    return host.lower().rstrip(".")


def shown(chain: Path) -> ssl.SSLContext:
    """TLS with one of our leaves: as mitmproxy shows it, HTTP/1.1 alone."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    context.set_alpn_protocols(["http/1.1"])
    return context


def ports() -> frozenset[int]:
    """Where mitmproxy listens."""
    return frozenset(address[1] for address in ctx.master.addons.get("proxyserver").listen_addrs())
