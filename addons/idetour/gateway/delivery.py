"""What the client hears of an answer, and when.

The HTTP status is held for 5 s; then the answer begins as an event stream with
comments that keep the connection alive while candidates are still tried. After
the commit an error is an error event, never a silent end, and nothing follows
it: a broken answer must not look finished.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from idetour.errors import RequestError, UpstreamError, openai_body, openai_event
from idetour.gateway.attempt import IDLE_SECONDS, Answer
from idetour.gateway.record import Record
from idetour.upstreams.transport import TransportError
from idetour.wire import sse
from idetour.wire.chat import ChatRequest
from idetour.wire.chunks import Relay

HOLD_SECONDS = 5.0  # how long the HTTP status may still be an error
KEEP_ALIVE_SECONDS = 12.0  # between comments; IDEs and tunnels give up after 30 s and more
MARK = 500  # characters of a header of ours
DRAIN_SECONDS = 1.0  # for an upstream to close its stream properly after [DONE]

STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}


class Client(Protocol):
    """Who asked, as the pipeline sees it."""

    started: bool

    async def start(self, status: int, headers: Mapping[str, str]) -> None: ...
    async def write(self, data: bytes) -> None: ...
    async def end(self) -> None: ...


async def held(finding: Coroutine[Any, Any, Answer], client: Client, record: Record) -> Answer:
    """Wait for the answer; after 5 s begin without it, so that the connection is not given up as dead."""
    task = asyncio.create_task(finding)
    try:
        await asyncio.wait({task}, timeout=HOLD_SECONDS)
        while not task.done():
            if not client.started:
                await client.start(200, STREAM_HEADERS | marks(record))
            await client.write(sse.KEEP_ALIVE)
            await asyncio.wait({task}, timeout=KEEP_ALIVE_SECONDS)
        return task.result()
    except BaseException:  # the client left, or cannot be written to: nobody will have the answer
        task.cancel()
        task.add_done_callback(discard)
        await asyncio.wait({task})
        raise


def discard(task: asyncio.Task[Answer]) -> None:
    """Close an answer that came in the moment in which it was no longer wanted."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def deliver(answer: Answer, request: ChatRequest, client: Client, record: Record) -> None:
    """Pass a committed answer on. Raises UpstreamError if it breaks off; what came before has gone out."""
    record.usage = answer.usage
    if not client.started:
        document = {"content-type": "application/json", "content-length": str(len(answer.held))}
        await client.start(200, marks(record) | (STREAM_HEADERS if request.stream else document))
    record.said = answer.said
    await client.write(answer.held)
    if answer.relay is not None:
        try:
            await relay(answer, answer.relay, client)
        except TransportError as error:
            raise UpstreamError(
                f"{record.target}: the answer broke off: {error}.", code="upstream_broken"
            ) from error
        finally:
            record.usage, record.said = answer.relay.usage, answer.relay.said
    await client.end()


async def relay(answer: Answer, watched: Relay, client: Client) -> None:
    """The rest of a stream, whole events at a time, and comments while the upstream is silent."""
    try:
        async with asyncio.timeout(None) as limit:
            with Pulse(client, limit) as pulse:
                while not watched.done:
                    data = await answer.incoming.read()
                    pulse.heard()
                    if out := watched.feed(data) if data else watched.end():
                        pulse.told()
                        await client.write(out)
                    if watched.error:
                        raise answer.explain(watched.error)
    except TimeoutError:
        raise TransportError("broken", f"nothing came for {IDLE_SECONDS:.0f} s") from None


class Pulse:
    """Keeps a silent stream alive, and ends one that is silent too long.

    One timer every 12 s for the whole stream: a timeout around each read would be a
    twentieth of what a chunk costs.
    """

    def __init__(self, client: Client, limit: asyncio.Timeout) -> None:
        self._client, self._limit = client, limit
        self._loop = asyncio.get_running_loop()
        self._heard = self._told = self._loop.time()
        self._writing: asyncio.Task[None] | None = None

    def heard(self) -> None:
        """Something came from the upstream, if only a comment."""
        self._heard = self._loop.time()

    def told(self) -> None:
        """Something goes to the client."""
        self._told = self._loop.time()

    def __enter__(self) -> "Pulse":
        self._timer = self._loop.call_later(KEEP_ALIVE_SECONDS, self._tick)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._writing:
            self._writing.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._heard >= IDLE_SECONDS:
            self._limit.reschedule(now)
            return
        if now - self._told >= KEEP_ALIVE_SECONDS:
            self._writing = self._loop.create_task(self._client.write(sse.KEEP_ALIVE))
            self._told = now
        self._timer = self._loop.call_later(self._told + KEEP_ALIVE_SECONDS - now, self._tick)


async def drain(answer: Answer) -> None:
    """Read the little that follows [DONE], so that the connection can be used again."""
    with contextlib.suppress(TimeoutError, TransportError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while await answer.incoming.read():
                pass


async def refuse(client: Client, error: RequestError, record: Record) -> None:
    """Tell the client of an error: as an HTTP answer, or as an event when the answer has begun."""
    if client.started:
        await client.write(openai_event(error, record.id))
    else:
        body = openai_body(error, record.id)
        headers = {
            "content-type": "application/json",
            **marks(record),
            **error.headers,
            "content-length": str(len(body)),
        }
        await client.start(error.status, headers)
        await client.write(body)
    await client.end()


def marks(record: Record) -> dict[str, str]:
    """The headers that say who answered."""
    made = {"x-idetour-request-id": record.id, "x-idetour-attempts": str(len(record.tried))}
    if record.target:
        made["x-idetour-target"] = str(record.target)
    if record.changed:
        made["x-idetour-changed"] = "; ".join(record.changed)[:MARK]
    return made
