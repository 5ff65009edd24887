"""One request, from the plan to the last byte.

    plan → for each candidate: attempt → commit → relay → note

Before the commit any failure is retried or falls back, and the client hears
nothing of it. What the client does hear, and when, is in `delivery.py`.
"""

import asyncio
import contextlib
import logging
import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from idetour.errors import RequestError, UpstreamError
from idetour.gateway import deadline, faults
from idetour.gateway.attempt import Answer, Failed, attempt
from idetour.gateway.chronicle import Chronicle
from idetour.gateway.delivery import Client, deliver, drain, held, refuse
from idetour.gateway.embeddings import embed
from idetour.gateway.health import Health, Permit
from idetour.gateway.quirks import Quirks
from idetour.gateway.record import NO_KEY, NO_WORD, Record
from idetour.gateway.remedy import Remedies
from idetour.gateway.replay import Replay
from idetour.gateway.search import Search, combined
from idetour.gateway.tries import Refused, Try, affinity, fitting, tries
from idetour.profile import Profile
from idetour.routes.asked import Asked
from idetour.routes.plan import answers
from idetour.routes.router import Router
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import TransportError
from idetour.wire.chat import ChatRequest

log = logging.getLogger("idetour")

WHOLE_SECONDS = 600.0  # for an answer that is not streamed
PAUSE_SECONDS = (0.1, 0.3)  # before the same target is asked again
BLAMED_SECONDS = 10.0  # a client that cannot wait so long says nothing about the upstream
RECENT = 200  # records kept for lists


@dataclass(slots=True)
class Pipeline:
    transports: Transports
    health: Health = field(default_factory=Health)
    chronicle: Chronicle = field(default_factory=Chronicle)
    quirks: Quirks = field(default_factory=Quirks)
    replay: Replay = field(default_factory=Replay)
    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)  # upstream → model ids on its own list
    recent: deque[Record] = field(default_factory=lambda: deque(maxlen=RECENT))
    stopping: bool = False  # idetour ends: whose answer is cut now has not left
    router: Router = field(init=False)

    def __post_init__(self) -> None:
        self.router = Router(partial(embed, self.transports))

    def knows(self, profile: Profile, asked: str) -> bool:
        """Whether somebody here answers for a name."""
        return answers(profile, self.router.instead or asked, self.listed)

    async def chat(
        self,
        profile: Profile,
        request: ChatRequest,
        client: Client,
        *,
        key: Secret | None,
        record: Record,
        asked: Asked | None = None,
    ) -> None:
        """Answer a Chat Completions request.

        `key` is what the client typed, for `key: client`; `asked` is how the request came, for rules.
        """
        self.recent.append(record)
        asked = asked or Asked(request=request)
        client = self.chronicle.begin(record, asked, client)
        try:
            with self.recorded(record):
                uniform = affinity(asked)
                planned = await self.router.plan(profile, asked, listed=self.listed, uniform=uniform)
                found = [*tries(planned, key, uniform=uniform, identify=self.health.identify)]
                finding = self._find(found, asked, record)
                answer = await (held(finding, client, record) if request.stream else finding)
                try:
                    await deliver(answer, request, client, record)
                    record.end("ok")
                    await drain(answer)
                except UpstreamError as error:
                    answer.broke(error)
                    raise
                finally:
                    answer.close()
        except RequestError as error:
            await refuse(client, error, record)

    @contextlib.contextmanager
    def recorded(self, record: Record) -> Iterator[None]:
        """However a request ends, it is written down and logged."""
        try:
            yield
        except RequestError as error:
            record.end("broken" if record.target else "failed", status=error.status, error=error.message)
            raise
        except asyncio.CancelledError:
            record.end("stopped" if self.stopping else "left")
            raise
        except BaseException:
            record.end("failed", status=500, error="a fault of idetour's own")
            raise
        finally:
            told = {"request": record.id, "kind": record.outcome, "changed": record.changes()}
            log.info(record.line(), extra=told)

    async def _find(self, found: Sequence[Try | Refused], asked: Asked, record: Record) -> Answer:
        """The first committed answer, in the order of the tries; raises what to tell the client."""
        refused = [each for each in found if isinstance(each, Refused)]
        for mute in refused:
            record.attempt(mute.candidate.target, NO_KEY, error=mute.error.message)
        able = fitting([each for each in found if isinstance(each, Try)], asked)
        limit, late = patience(asked)
        search = Search(self.health, able, until=self.health.clock() + limit)
        remedies = Remedies(self.quirks, record, self.replay.seals)
        try:
            async with asyncio.timeout(limit if limit < math.inf else None):
                while chosen := await search.next():
                    each, permit = chosen
                    try:
                        return await self._ask(each, permit, asked.request, search, remedies)
                    except Failed as failed:
                        search.failed(each, failed.fault)
        except TimeoutError:
            search.failures.append(late)
        raise combined(search, [each.error for each in refused])

    async def _ask(
        self, each: Try, permit: Permit, request: ChatRequest, search: Search, remedies: Remedies
    ) -> Answer:
        """Ask the target; again as long as a remedy is found, and once where the fault may have passed.

        Raises Failed, whose fault no remedy helps against.
        """
        record, target, retried = remedies.record, each.candidate.target, False
        try:
            while True:
                try:
                    answer = await self._within(search.share(), each, request, record)
                except Failed as failed:
                    error = failed.fault.error
                    ended = NO_WORD if failed.fault.unable else f"{error.status} {error.code or ''}".strip()
                    record.attempt(target, ended, error=error.message, rest=failed.fault.rest)
                    if remedied := await remedies.find(each, failed):
                        each = remedied
                    elif failed.fault.again and not retried:
                        retried = True
                        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
                    else:
                        permit.failed(failed.fault)
                        raise
                else:
                    permit.answered(first_byte=request.stream)
                    answer.permit = permit
                    record.answered(target, stream=request.stream)
                    return answer
        except BaseException:
            permit.left()
            raise

    async def _within(self, seconds: float | None, each: Try, request: ChatRequest, record: Record) -> Answer:
        """One attempt, in its share of the time that the client gives. Raises Failed."""
        record.asks(each.mark)
        try:
            async with asyncio.timeout(seconds) as limit:
                return await attempt(
                    self.transports,
                    request,
                    each.candidate,
                    key=await secret(each),
                    record=record,
                    quirks=self.quirks,
                    replay=self.replay,
                )
        except TimeoutError:
            if not limit.expired():
                raise
            silent = TransportError("first_byte_timeout", f"no answer within {seconds:.3g} s")
            fault = faults.of_transport(silent, each.candidate)
            if seconds is None or seconds < BLAMED_SECONDS:
                fault = replace(fault, scope="request")
            raise Failed(fault) from None


async def secret(each: Try) -> Secret | None:
    """What to send now; a login may have to be renewed for it. Raises Failed."""
    try:
        return await each.credential.secret() if each.credential else None
    except UpstreamError as error:
        raise Failed(faults.of_credential(error)) from error


def patience(asked: Asked) -> tuple[float, UpstreamError]:
    """Seconds until the client has to hear something final, and what it hears then."""
    whole = math.inf if asked.request.stream else WHOLE_SECONDS
    stated = deadline.stated(asked.headers)
    if stated is not None and stated < whole:
        said, code = f"No answer within the time that the client gives: {stated:.3g} s.", "deadline_exceeded"
        return stated, UpstreamError(said, status=504, code=code)
    said = f"{asked.request.model}: no answer within {whole:.0f} s."
    return whole, UpstreamError(said, status=504, code="upstream_timeout")
