"""What goes on in the background: changes of profile, accounts and quirks, local servers' model lists, warm connections."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from idetour.accounts.pool import Accounts
from idetour.gateway.attempt import whole
from idetour.gateway.pipeline import Pipeline
from idetour.profile import Profile, Upstream
from idetour.profile.watch import Watched
from idetour.upstreams.transport import Outgoing, TransportError

log = logging.getLogger("idetour")

PROFILE_SECONDS = 1.0
ACCOUNTS_SECONDS = 1.0
QUIRKS_SECONDS = 1.0
LISTS_SECONDS = 30.0
LOCAL_SECONDS = 1.0  # for a server on this machine to say what it has
LIST_SECONDS = 5.0  # for the whole of it
LIST_BYTES = 4 << 20
OURS = "x-idetour-request-id"  # in each answer of another idetour, at a port that llama.cpp uses too
WARM_SECONDS = 45.0  # upstreams close idle connections after 60 s and more


@dataclass(slots=True)
class Upkeep:
    watched: Watched
    pipeline: Pipeline
    accounts: Accounts = field(default_factory=Accounts)
    own: Callable[[], frozenset[int]] = frozenset  # ports of this machine where nobody but we answer
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _warmed: float = -math.inf  # when connections were last made ready

    def start(self) -> None:
        self.pipeline.chronicle.start()
        self._begin(self._watch_profile())
        self._begin(self._watch_accounts())
        self._begin(self._watch_quirks())
        self._begin(self._list_local_models())
        self.warm_up()

    def _begin(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(report)

    def halt(self) -> set[asyncio.Task[Any]]:
        """Stop at once; returns what still cleans up behind itself."""
        for task in self._tasks:
            task.cancel()
        return {*self._tasks, *self.accounts.close()}

    async def _watch_profile(self) -> None:
        while True:
            await asyncio.sleep(PROFILE_SECONDS)
            if news := self.watched.check():
                log.warning(news)
                current, problem = self.watched.current, self.watched.problem
                said = {"name": current.name, "file": str(current.path.absolute()), "problem": problem}
                self.pipeline.chronicle.news.publish("profile", said)

    async def _watch_accounts(self) -> None:
        while True:
            await asyncio.sleep(ACCOUNTS_SECONDS)
            if self.accounts.changed():
                changed = await asyncio.to_thread(self.accounts.read)
                self.watched.lay(self.accounts.over)
                for upstream in self.watched.current.upstreams.values():
                    for each in upstream.accounts:
                        if each.kind == "login" and each.name in changed:
                            self.pipeline.health.forgive(each.id)

    async def _watch_quirks(self) -> None:
        while True:
            await asyncio.sleep(QUIRKS_SECONDS)
            await self.pipeline.quirks.refresh()

    async def _list_local_models(self) -> None:
        """Ask the servers on this machine what they have; those that are not running are simply absent."""
        while True:
            profile = self.watched.current
            local = [
                each for each in profile.upstreams.values() if each.local and port(each) not in self.own()
            ]
            found = await asyncio.gather(*(self.list_models(upstream) for upstream in local))
            self.pipeline.listed = {
                upstream.name: ids for upstream, ids in zip(local, found, strict=True) if ids
            }
            await asyncio.sleep(LISTS_SECONDS)

    async def list_models(self, upstream: Upstream) -> tuple[str, ...]:
        """The ids on an upstream's own list, or none when it does not answer as it should."""
        request = Outgoing(
            method="GET",
            url=f"{upstream.base}/models",
            headers={},
            body=None,
            first_byte=LOCAL_SECONDS,
            ca=upstream.ca,
        )
        try:
            async with asyncio.timeout(LIST_SECONDS):
                incoming = await self.pipeline.transports.to(upstream).send(request)
                try:
                    body = await whole(incoming, LIST_BYTES)
                finally:
                    incoming.close()
            if incoming.status != 200 or OURS in incoming.headers:
                return ()
            entries = msgspec.json.decode(body)["data"]
            return tuple(str(entry["id"]) for entry in entries)
        except (TimeoutError, TransportError, msgspec.DecodeError, LookupError, TypeError):
            return ()

    def warm_up(self) -> None:
        """Somebody came: have connections ready, so that the first request does not wait for TCP and TLS."""
        now = time.monotonic()
        if now - self._warmed > WARM_SECONDS:
            self._warmed = now
            for upstream in in_use(self.watched.current):
                self._begin(self._warm(upstream))

    async def _warm(self, upstream: Upstream) -> None:
        try:
            await self.pipeline.transports.pool.warm(upstream.url, proxy=upstream.proxy, ca=upstream.ca)
        except TransportError as error:
            log.debug("cannot reach %s yet: %s", upstream.title, error)


def report(task: asyncio.Task[None]) -> None:
    """A job that ends by a fault of its own says so; nobody waits for it."""
    if not task.cancelled() and (error := task.exception()):
        log.error("a background job of idetour failed", exc_info=error)


def port(upstream: Upstream) -> int | None:
    return urlsplit(upstream.url).port


def in_use(profile: Profile) -> list[Upstream]:
    """The upstreams that requests may go to, as far as they can be asked."""
    names = {model.target.upstream for model in profile.models.values()}
    for rules in profile.routes.values():
        for rule in rules:
            names |= {name.partition("/")[0] for name in (*rule.use, *rule.otherwise)}
    if profile.offer == "available":
        names |= {each.name for each in profile.upstreams.values() if each.keys or each.accounts}
    return [
        each
        for name, each in profile.upstreams.items()
        if name in names and each.ready and each.speaks != "demo"
    ]
