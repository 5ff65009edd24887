"""The whole gateway, put together and running on the current loop. Both the proxy and the tests start it here."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idetour.accounts.pool import Accounts
from idetour.accounts.qwen import tokens
from idetour.endpoints.admin import Admin
from idetour.endpoints.app import App
from idetour.endpoints.grants import Grants
from idetour.endpoints.server import Server, small_tls_buffers
from idetour.endpoints.weights import Weights
from idetour.gateway import logs
from idetour.gateway.chronicle import Chronicle, secrets_of
from idetour.gateway.health import Health
from idetour.gateway.lasting import Lasting
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.quirks import Quirks
from idetour.gateway.upkeep import Upkeep
from idetour.profile import prices
from idetour.profile.watch import Watched
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import Pool
from idetour.usage import otlp, store
from idetour.usage.prices import Prices
from idetour.usage.store import Store

log = logging.getLogger("idetour")

LOGS = "logs"  # a folder of it, too
GRANTS = "grants.sqlite"  # the tokens of tasks
RESTS = "rests.sqlite"  # upstreams that are left alone for long, in the folder of the state
LEARNED = "quirks.sqlite"  # what targets were found not to take
# mitmproxy sets the root logger to DEBUG: a line per chunk.
NOISY = ("aiohttp", "uvicorn", "asyncio", "httpx2", "httpcore2")


def system_trust(ca: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


@dataclass(slots=True, kw_only=True)
class Gateway:
    watched: Watched
    pipeline: Pipeline
    upkeep: Upkeep
    app: App
    server: Server
    hop: int = 0  # the loopback port that takes only requests with a ticket
    port: int = 0  # the port that anybody on this machine may use; 0: none of our own
    _closing: asyncio.Task[None] | None = None  # held, or it would be collected while it runs

    def halt(self) -> None:
        """Stop at once. Not async: mitmproxy says goodbye in a hook that may not be."""
        self.stop()

    def stop(self) -> asyncio.Task[None]:
        """Stop at once; who awaits what is returned knows that nothing of us is left on the loop."""
        self.pipeline.stopping = True
        ending = self.upkeep.halt() | self.server.halt() | self.app.admin.pending.close()
        self._closing = asyncio.get_running_loop().create_task(self._close(ending))
        return self._closing

    async def _close(self, ending: set[asyncio.Task[Any]]) -> None:
        try:
            if ending:
                await asyncio.wait(ending)
        finally:  # mitmproxy's loop ends soon, and cancels whoever waits: what is still to be written comes first
            self.pipeline.chronicle.close()
            self.pipeline.health.lasting.close()
            self.pipeline.quirks.close()
            self.app.admin.grants.close()
            await self.pipeline.transports.pool.close()


def assemble(
    watched: Watched,
    *,
    context: Callable[[Path | None], ssl.SSLContext] = system_trust,
    state: Path | None = None,
    admin: Secret | None = None,
    lan: bool = False,
    keep_bodies: bool = False,
) -> Gateway:
    """Make all parts; nothing listens yet.

    With `lan` any name will do: other machines have their own for us, and must have a key.

    `state` is a folder for what has to survive a restart. Without the token `admin` nobody may
    see or change what is the owner's. With `keep_bodies`, what is said is kept for a day.
    """
    quieten()
    small_tls_buffers()
    via = f"idetour-{secrets.token_hex(4)}"
    pool = Pool(intercepted=lambda: frozenset(watched.current.hosts), context=context, via=f"1.1 {via}")
    pipeline = Pipeline(
        Transports(pool),
        Health(Lasting(state and state / RESTS)),
        chronicle=following(watched, state, keep_bodies=keep_bodies),
        quirks=Quirks(state and state / LEARNED),
    )
    upkeep = Upkeep(watched, pipeline, logged_in(watched, state))
    owners = owned(pipeline, Weights(watched, state), admin, state=state)
    app = App(watched, pipeline, owners, lan=lan, via=via)
    return Gateway(watched=watched, pipeline=pipeline, upkeep=upkeep, app=app, server=Server(app))


def quieten() -> None:
    """Libraries speak up when something is wrong, and uvicorn not even then: the app reports its own faults, once."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


def logged_in(watched: Watched, state: Path | None) -> Accounts:
    """The accounts, laid over the profile."""
    accounts = Accounts(state, tokens.folder()) if state else Accounts()
    accounts.read()
    watched.lay(accounts.over)
    return accounts


def owned(pipeline: Pipeline, weights: Weights, token: Secret | None, *, state: Path | None) -> Admin:
    """What is the owner's to see and change."""
    grants, written = Grants(state and state / GRANTS), state and state / LOGS / logs.FILE
    return Admin(pipeline, weights, token, logs=written, grants=grants)


def following(watched: Watched, state: Path | None, *, keep_bodies: bool) -> Chronicle:
    """What follows requests: prices, and where usage and the log are kept."""
    known, mistake = prices.load()
    if mistake:
        log.warning("Prices: %s", mistake)
    return Chronicle(
        Store(state and state / store.FILE),
        Prices(known),
        export=otlp.exporter(),
        keep_bodies=keep_bodies,
        keys=lambda: secrets_of(watched.current),
        logs=state and state / LOGS,
    )


async def start(
    profile: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    state: Path | None = None,
    admin: Secret | None = None,
    keep_bodies: bool = False,
) -> Gateway:
    """Serve a profile by base URL alone, without a proxy. Raises ProfileError, OSError."""
    gateway = assemble(Watched(profile), state=state, admin=admin, keep_bodies=keep_bodies)
    gateway.port = await gateway.server.listen(host, port)
    gateway.upkeep.start()
    return gateway
