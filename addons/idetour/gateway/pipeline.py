"""One request, from the plan to the last byte.

    plan → for each candidate: attempt → commit → relay → note

Before the commit any failure is retried or falls back, and the client hears
nothing of it. The HTTP status is held for 5 s; then the answer begins as an
event stream with comments that keep the connection alive while candidates are
still tried. After the commit an error is an error event, never a silent end.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from idetour.errors import NotFound, RequestError, Unauthorized, UpstreamError, openai_body, openai_event
from idetour.gateway.attempt import IDLE_SECONDS, Answer, Failed, attempt
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.routes.plan import Candidate, Plan, plan
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import TransportError
from idetour.wire import sse
from idetour.wire.chat import ChatRequest

log = logging.getLogger("idetour")

HOLD_SECONDS = 5.0  # how long the HTTP status may still be an error
KEEP_ALIVE_SECONDS = 12.0  # between comments; IDEs and tunnels give up after 30 s and more
WHOLE_SECONDS = 600.0  # for an answer that is not streamed
DRAIN_SECONDS = 1.0  # for an upstream to close its stream properly after [DONE]
RECENT = 200  # records kept for lists

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


@dataclass(slots=True)
class Pipeline:
    transports: Transports
    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)  # upstream → model ids on its own list
    recent: deque[Record] = field(default_factory=lambda: deque(maxlen=RECENT))

    def knows(self, profile: Profile, asked: str) -> bool:
        """Whether somebody here answers for a name."""
        try:
            plan(profile, asked, listed=self.listed)
        except NotFound:
            return False
        return True

    async def chat(
        self, profile: Profile, request: ChatRequest, client: Client, *, key: Secret | None, record: Record
    ) -> None:
        """Answer a Chat Completions request. `key` is what the client typed, for `key: client`."""
        self.recent.append(record)
        try:
            planned = plan(profile, request.model, listed=self.listed)
            if request.stream:
                await self._stream(planned, request, client, key=key, record=record)
            else:
                await self._whole(planned, request, client, key=key, record=record)
        except RequestError as error:
            record.end("broken" if record.target else "failed", status=error.status, error=error.message)
            await refuse(client, error, record)
        except asyncio.CancelledError:
            record.end("left")
            raise
        else:
            record.end("ok")
        finally:
            log.info(record.line())

    async def _whole(
        self, planned: Plan, request: ChatRequest, client: Client, *, key: Secret | None, record: Record
    ) -> None:
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                answer = await self._find(planned, request, key=key, record=record)
        except TimeoutError:
            raise UpstreamError(
                f"{planned.asked}: no answer within {WHOLE_SECONDS:.0f} s.",
                status=504,
                code="upstream_timeout",
            ) from None
        answer.incoming.close()
        record.usage = answer.usage
        await client.start(
            200,
            {"content-type": "application/json", **marks(record), "content-length": str(len(answer.held))},
        )
        await client.write(answer.held)
        await client.end()

    async def _stream(
        self, planned: Plan, request: ChatRequest, client: Client, *, key: Secret | None, record: Record
    ) -> None:
        finding = asyncio.create_task(self._find(planned, request, key=key, record=record))
        try:
            await asyncio.wait({finding}, timeout=HOLD_SECONDS)
            while not finding.done():
                if not client.started:
                    await client.start(200, STREAM_HEADERS | marks(record))
                await client.write(sse.KEEP_ALIVE)
                await asyncio.wait({finding}, timeout=KEEP_ALIVE_SECONDS)
            answer = finding.result()
        except asyncio.CancelledError:
            finding.cancel()
            if isinstance(left := (await asyncio.gather(finding, return_exceptions=True))[0], Answer):
                left.incoming.close()
            raise
        try:
            if not client.started:
                await client.start(200, STREAM_HEADERS | marks(record))
            await relay(answer, client, record)
        finally:
            answer.incoming.close()

    async def _find(
        self, planned: Plan, request: ChatRequest, *, key: Secret | None, record: Record
    ) -> Answer:
        """The first committed answer of the candidates, in their order; raises what to tell the client."""
        failures: list[RequestError] = []
        for candidate, credential in credentials(planned, key):
            if isinstance(credential, RequestError):
                record.attempt(candidate.target, "no key")
                failures.append(credential)
                continue
            for again in (True, False):
                try:
                    answer = await attempt(self.transports, request, candidate, key=credential, record=record)
                except Failed as failed:
                    fault = failed.fault
                    record.attempt(candidate.target, f"{fault.error.status} {fault.error.code or ''}".strip())
                else:
                    record.answered(candidate.target, stream=request.stream)
                    return answer
                if not (fault.again and again):
                    break
                await asyncio.sleep(random.uniform(0.1, 0.3))
            failures.append(fault.error)
            if not fault.elsewhere:
                break
        raise combined(failures)


def credentials(
    planned: Plan, key: Secret | None
) -> Iterator[tuple[Candidate, Secret | RequestError | None]]:
    """Each candidate with each key it may be asked with, or with the reason why it cannot be asked."""
    for candidate in planned.candidates:
        upstream = candidate.upstream
        if upstream.client_key:
            yield (
                candidate,
                key
                or Unauthorized(
                    f"{upstream.title} is asked with the key typed in the IDE, and none came along."
                ),
            )
        elif upstream.keys:
            yield from ((candidate, each) for each in upstream.keys)
        elif upstream.ready:
            yield candidate, None
        else:
            yield candidate, missing(candidate)


def missing(candidate: Candidate) -> RequestError:
    """Which key is missing, and how to give it."""
    upstream = candidate.upstream
    if upstream.login:
        remedy = f"run `idetour login {upstream.login}`"
    elif upstream.key_names:
        remedy = f"set {upstream.key_names[0]} in the environment and start again"
    else:
        remedy = "write `key: $NAME` in the profile"
    return Unauthorized(f"{upstream.title} has no key: {remedy}.", code="upstream_key_missing")


def combined(failures: list[RequestError]) -> RequestError:
    """What the client hears when nobody answered: the last failure, with the others' words before it."""
    last = failures[-1]
    last.headers["x-should-retry"] = (
        "false"  # we have tried; an SDK's own retries would only multiply the load
    )
    if len(failures) > 1:
        told = list(dict.fromkeys(failure.message for failure in failures))
        last.message = f"All {len(failures)} attempts failed. " + " ".join(told)
    return last


async def relay(answer: Answer, client: Client, record: Record) -> None:
    """Pass a committed answer on. Raises UpstreamError if it breaks off; what came before has gone out."""
    await client.write(answer.held)
    watched = answer.relay
    if watched is None:
        record.usage = answer.usage
        return await client.end()
    silence = 0.0
    try:
        while not watched.done:
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    data = await answer.incoming.read()
            except TimeoutError:
                silence += KEEP_ALIVE_SECONDS
                if silence >= IDLE_SECONDS:
                    raise TransportError("broken", f"nothing came for {IDLE_SECONDS:.0f} s") from None
                await client.write(sse.KEEP_ALIVE)
                continue
            silence = 0.0
            if out := watched.feed(data) if data else watched.end():
                await client.write(out)
            if watched.error:
                raise watched.error
    except TransportError as error:
        raise UpstreamError(
            f"{record.target}: the answer broke off: {error}.", code="upstream_broken"
        ) from error
    finally:
        record.usage = watched.usage
    await client.end()
    await drain(answer)


async def drain(answer: Answer) -> None:
    """Read the little that follows [DONE], so that the connection can be used again."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while await answer.incoming.read():
                pass
    except (TimeoutError, TransportError):
        pass


async def refuse(client: Client, error: RequestError, record: Record) -> None:
    """Tell the client of an error: as an HTTP answer, or as an event when the answer has begun."""
    if client.started:
        await client.write(openai_event(error))
    else:
        body = openai_body(error)
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
    return made
