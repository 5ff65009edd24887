"""What goes on in the background: profile changes, local servers' model lists, warm connections."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import msgspec

from idetour.gateway.pipeline import Pipeline
from idetour.profile import Profile, Upstream
from idetour.profile.watch import Watched
from idetour.upstreams.transport import Outgoing, TransportError

log = logging.getLogger("idetour")

PROFILE_SECONDS = 1.0
LISTS_SECONDS = 30.0
LOCAL_SECONDS = 1.0  # for a server on this machine to say what it has
WARM_SECONDS = 5.0


@dataclass(slots=True)
class Upkeep:
    watched: Watched
    pipeline: Pipeline
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        for job in (self._watch_profile(), self._list_local_models(), self._warm()):
            self._begin(job)

    def _begin(self, job: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(job))

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _watch_profile(self) -> None:
        while True:
            await asyncio.sleep(PROFILE_SECONDS)
            if news := self.watched.check():
                log.warning(news)

    async def _list_local_models(self) -> None:
        """Ask the servers on this machine what they have; those that are not running are simply absent."""
        while True:
            profile = self.watched.current
            local = [upstream for upstream in profile.upstreams.values() if upstream.local]
            found = await asyncio.gather(*(self.list_models(upstream) for upstream in local))
            self.pipeline.listed = {upstream.name: ids for upstream, ids in zip(local, found, strict=True) if ids}
            await asyncio.sleep(LISTS_SECONDS)

    async def list_models(self, upstream: Upstream) -> tuple[str, ...]:
        """The ids on an upstream's own list, or none when it does not answer as it should."""
        request = Outgoing(
            method="GET", url=f"{upstream.url}/models", headers={}, body=None, first_byte=LOCAL_SECONDS, ca=upstream.ca
        )
        try:
            incoming = await self.pipeline.transports.to(upstream).send(request)
            try:
                body = bytearray()
                while len(body) < 4 << 20 and (data := await incoming.read()):
                    body += data
            finally:
                incoming.close()
            entries = msgspec.json.decode(body)["data"] if incoming.status == 200 else []
            return tuple(str(entry["id"]) for entry in entries)
        except (TransportError, msgspec.DecodeError, LookupError, TypeError):
            return ()

    async def _warm(self) -> None:
        """Open a connection to each upstream in use, so that the first request does not wait for TCP and TLS."""
        await asyncio.gather(*(self.warm(upstream) for upstream in in_use(self.watched.current)))

    async def warm(self, upstream: Upstream) -> None:
        scheme, _, rest = upstream.url.partition("://")
        root = f"{scheme}://{rest.partition('/')[0]}/"
        request = Outgoing(
            method="HEAD", url=root, headers={}, body=None, proxy=upstream.proxy, ca=upstream.ca, first_byte=WARM_SECONDS
        )
        try:
            (await self.pipeline.transports.to(upstream).send(request)).close()
        except TransportError as error:
            log.debug("cannot reach %s yet: %s", upstream.title, error)


def in_use(profile: Profile) -> list[Upstream]:
    """The upstreams that the profile's models and routes name, as far as they can be asked."""
    names = {model.target.upstream for model in profile.models.values()}
    for rules in profile.routes.values():
        for rule in rules:
            names |= {name.partition("/")[0] for name in (*rule.use, *rule.otherwise)}
    return [each for name, each in profile.upstreams.items() if name in names and each.ready and each.speaks != "demo"]
