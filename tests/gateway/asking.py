"""The pipeline without a server around it, and a client that keeps what it hears."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.routes import asked as routes
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import Pool
from idetour.wire import chat

type Ask = Callable[..., "Asked"]  # the fixture `ask`


@dataclass
class Listener:
    """Who asked. `heard` is everything that was written, `ends` how often the answer was ended."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    heard: bytes = b""
    ends: int = 0
    started: bool = False

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        assert not self.started
        self.started, self.status, self.headers = True, status, dict(headers)

    async def write(self, data: bytes) -> None:
        assert self.started
        assert not self.ends
        self.heard += data

    async def end(self) -> None:
        self.ends += 1

    @property
    def error(self) -> dict[str, Any]:
        """The error of the whole answer, or of the last event of a stream."""
        last = self.heard.strip().split(b"\n\n")[-1].removeprefix(b"data: ")
        return dict(json.loads(last)["error"])


@dataclass
class Asked:
    """One request through a pipeline of its own."""

    profile: Profile
    stream: bool = True
    model: str = "m"
    key: Secret | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(
        default_factory=dict
    )  # of the body, beside or instead of the usual ones
    client: Listener = field(default_factory=Listener)
    record: Record = field(default_factory=lambda: Record(asked="m", door="direct"))

    async def through(self, pipeline: Pipeline) -> None:
        body = {"model": self.model, "stream": self.stream, "messages": [{"role": "user", "content": "hi"}]}
        body |= self.fields
        request = chat.read(json.dumps(body).encode())
        asked = routes.Asked(request=request, headers=self.headers)
        await pipeline.chat(self.profile, request, self.client, key=self.key, record=self.record, asked=asked)

    async def leaving(self, pipeline: Pipeline, when: Callable[[], object]) -> None:
        """Ask, and leave as soon as that is so."""
        task = asyncio.create_task(self.through(pipeline))
        while not when():
            await asyncio.sleep(0.005)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def run(self) -> "Asked":
        async def alone() -> None:
            async with pipelining() as pipeline:
                await self.through(pipeline)

        asyncio.run(alone())
        return self


@contextlib.asynccontextmanager
async def pipelining() -> AsyncIterator[Pipeline]:
    pool = Pool()
    try:
        yield Pipeline(Transports(pool))
    finally:
        await pool.close()
