"""The whole gateway, put together and running on the current loop. Both the proxy and the tests start it here."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from idetour.endpoints.admin import Admin
from idetour.endpoints.app import App
from idetour.endpoints.server import Server, small_tls_buffers
from idetour.endpoints.weights import Weights
from idetour.gateway.health import Health
from idetour.gateway.lasting import Lasting
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.upkeep import Upkeep
from idetour.profile.watch import Watched
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import Pool

RESTS = "rests.sqlite"  # upstreams that are left alone for long, in the folder of the state
NOISY = ("aiohttp", "uvicorn", "asyncio")  # mitmproxy sets the root logger to DEBUG: a line per chunk


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
        ending = self.upkeep.halt() | self.server.halt()
        self._closing = asyncio.get_running_loop().create_task(self._close(ending))
        return self._closing

    async def _close(self, ending: set[asyncio.Task[None]]) -> None:
        try:
            if ending:
                await asyncio.wait(ending)
        finally:
            await self.pipeline.transports.pool.close()
            self.pipeline.health.lasting.close()


def assemble(
    watched: Watched,
    *,
    context: Callable[[Path | None], ssl.SSLContext] = system_trust,
    hosts: frozenset[str] = frozenset(),
    origins: frozenset[str] = frozenset(),
    state: Path | None = None,
    admin: Secret | None = None,
    lan: bool = False,
) -> Gateway:
    """Make all parts; nothing listens yet. `hosts` and `origins` are allowed beside loopback's.

    With `lan` any name will do: other machines have their own for us, and must have a key.

    `state` is a folder for what has to survive a restart. Without the token `admin` nobody may
    see or change what is the owner's.
    """
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # the app reports its own faults, once
    small_tls_buffers()
    via = f"idetour-{secrets.token_hex(4)}"
    pool = Pool(intercepted=lambda: frozenset(watched.current.hosts), context=context, via=f"1.1 {via}")
    pipeline = Pipeline(Transports(pool), Health(Lasting(state and state / RESTS)))
    owners = Admin(pipeline, Weights(watched, state), admin)
    app = App(watched, pipeline, owners, hosts=hosts, origins=origins, lan=lan, via=via)
    return Gateway(
        watched=watched, pipeline=pipeline, upkeep=Upkeep(watched, pipeline), app=app, server=Server(app)
    )


async def start(
    profile: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    state: Path | None = None,
    admin: Secret | None = None,
) -> Gateway:
    """Serve a profile by base URL alone, without a proxy. Raises ProfileError, OSError."""
    gateway = assemble(Watched(profile), state=state, admin=admin)
    gateway.port = await gateway.server.listen(host, port)
    gateway.upkeep.start()
    return gateway
