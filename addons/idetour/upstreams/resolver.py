"""Where a name leads, unless it leads to ourselves.

The hosts file may send a model host to this machine, for the IDE's sake. With
its real address unknown, our own request for it would come straight back.
"""

from collections.abc import Callable

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from idetour.addresses import leads_here


class LoopError(OSError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is pointed at this machine (hosts file), so a request to it would come back"
        )


class GuardedResolver(AbstractResolver):
    """Asks the system, and raises LoopError where an intercepted name is at this machine."""

    def __init__(self, intercepted: Callable[[], frozenset[str]]) -> None:
        self._intercepted = intercepted
        self._below = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        found = await self._below.resolve(host, port, family)  # type: ignore[arg-type]
        if host in self._intercepted() and any(leads_here(each["host"]) for each in found):
            raise LoopError(host)
        return found

    async def close(self) -> None:
        await self._below.close()
