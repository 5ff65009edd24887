"""What the endpoints share: the store, the engine, the events; and how a task is submitted and stopped."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from idetour import disk
from idetour.agent import engine
from idetour.agent.engine import Engine
from idetour.agent.events import Feed
from idetour.agent.layout import Layout
from idetour.agent.request import new_id
from idetour.agent.runner import Runner, find
from idetour.agent.settings import Settings
from idetour.agent.store import Order, Spec, Store, Task
from idetour.errors import BadRequest, NotFound, RequestError
from idetour.secret import Secret

STOP_SECONDS = 2.0  # that a stop waits for the end it asked for
LOOK_SECONDS = 0.02
LOOK_AGAIN = 30.0  # seconds until Trae Agent is looked for again where it was not found


@dataclass(slots=True, kw_only=True)
class Desk:
    settings: Settings
    layout: Layout
    token: Secret | None
    store: Store
    engine: Engine
    feed: Feed
    _runner: Runner | None = None
    _looked: float = 0.0

    async def runner(self) -> Runner:
        """What can run a task here; each supervisor looks for itself."""
        found = self._runner
        if found is None or (found.kind == "unavailable" and time.monotonic() - self._looked > LOOK_AGAIN):
            found = self._runner = await asyncio.to_thread(find, self.layout.interpreters)
            self._looked = time.monotonic()
        return found

    async def task(self, id: str) -> Task:
        """Raises NotFound."""
        return known(id, await asyncio.to_thread(self.store.task, id))

    async def submit(self, spec: Spec, *, priority: int = 0, key: str | None = None) -> Task:
        """Raises Full, Conflict, BadRequest, and RequestError where nothing can run tasks."""
        runner = await self.runner()
        if self.settings.works and runner.kind == "unavailable":
            raise RequestError(
                f"Trae Agent was not found here ({runner.found}). `idetour agent doctor` says how to install it.",
                status=503,
                code="no_runner",
                headers={"retry-after": "60"},
            )
        check_tools(spec, runner)
        digest = hashlib.sha256(msgspec.json.encode(spec)).hexdigest()
        order = Order(id=new_id(), spec=spec, priority=priority, key=key, digest=digest)
        task = await asyncio.to_thread(self.store.submit, order, most=self.settings.queue)
        self.engine.wake()
        return task

    async def file(self, id: str, path: Path) -> Path:
        """A file of a task's run, fetched if it was made on another machine. It may not exist."""
        await asyncio.to_thread(self._fetch, id, path)
        return path

    def _fetch(self, id: str, path: Path) -> None:
        if not path.is_file() and (data := self.store.kept(id, path.name)) is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            disk.replace(path, data)

    async def stop(self, id: str, *, force: bool = False) -> Task:
        """Ask for a task's end, and wait a little for it. Raises NotFound."""
        task = known(id, await asyncio.to_thread(engine.stop, self.store, id, force=force))
        until = time.monotonic() + STOP_SECONDS
        while task.live and time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            task = await self.task(id)
        return task


def check_tools(spec: Spec, runner: Runner) -> None:
    """Raises BadRequest for a tool that Trae Agent does not have, where it could be asked."""
    names = [each["name"] for each in runner.tools]
    for name in spec.tools or ():
        if names and name not in names:
            raise BadRequest(f"There is no tool {name!r}. There are {', '.join(names)}.", param="tools")


def known(id: str, task: Task | None) -> Task:
    if task is None:
        raise NotFound(f"There is no task {id[:60]!r}.")
    return task


def engine_of(settings: Settings, layout: Layout, store: Store) -> Engine:
    limit = settings.limit if settings.works else 0
    return Engine(store, layout, limit, here=settings.here, days=settings.days)


@asynccontextmanager
async def opened(settings: Settings, layout: Layout, token: Secret | None) -> AsyncIterator[Desk]:
    """A desk at work. Raises SetupError."""
    store = await asyncio.to_thread(layout.store)
    feed = Feed(store, layout.store)
    working = engine_of(settings, layout, store)
    task = asyncio.create_task(working.work())
    try:
        yield Desk(settings=settings, layout=layout, token=token, store=store, engine=working, feed=feed)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await asyncio.to_thread(feed.close)
        store.close()
