"""One request, from the plan to the last byte.

    plan → for each candidate: attempt → commit → relay → note

Before the commit any failure is retried or falls back, and the client hears
nothing of it. What the client does hear, and when, is in `delivery.py`.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from idetour.errors import NotFound, RequestError, Unauthorized, UpstreamError
from idetour.gateway.attempt import Answer, Failed, attempt
from idetour.gateway.delivery import Client, deliver, drain, held, refuse
from idetour.gateway.record import Record
from idetour.profile import Profile, Target
from idetour.routes.plan import Candidate, Plan, plan
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.wire.chat import ChatRequest

log = logging.getLogger("idetour")

WHOLE_SECONDS = 600.0  # for an answer that is not streamed
PAUSE_SECONDS = (0.1, 0.3)  # before the same target is asked again
RECENT = 200  # records kept for lists
NO_KEY = "upstream_key_missing"


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
            finding = self._find(planned, request, key=key, record=record)
            if request.stream:
                answer = await held(finding, client, record)
            else:
                answer = await within(WHOLE_SECONDS, finding, request.model)
            try:
                await deliver(answer, request, client, record)
                record.end("ok")
                await drain(answer)
            finally:
                answer.incoming.close()
        except RequestError as error:
            record.end("broken" if record.target else "failed", status=error.status, error=error.message)
            await refuse(client, error, record)
        except asyncio.CancelledError:
            record.end("left")
            raise
        except BaseException:
            record.end("failed", status=500, error="a fault of idetour's own")
            raise
        finally:
            log.info(record.line())

    async def _find(
        self, planned: Plan, request: ChatRequest, *, key: Secret | None, record: Record
    ) -> Answer:
        """The first committed answer of the candidates, in their order; raises what to tell the client."""
        failures: list[RequestError] = []
        given_up: set[Target] = set()  # another key would not help
        for candidate, credential in credentials(planned, key):
            if candidate.target in given_up:
                continue
            if isinstance(credential, RequestError):
                record.attempt(candidate.target, "no key")
                failures.append(credential)
                continue
            try:
                return await self._ask(candidate, request, key=credential, record=record)
            except Failed as failed:
                failures.append(failed.fault.error)
                if failed.fault.scope != "credential":
                    given_up.add(candidate.target)
                if not failed.fault.elsewhere:
                    break
        raise combined(failures)

    async def _ask(
        self, candidate: Candidate, request: ChatRequest, *, key: Secret | None, record: Record
    ) -> Answer:
        """Ask once, and once more where the fault may have passed. Raises Failed."""
        for last in (False, True):
            try:
                answer = await attempt(self.transports, request, candidate, key=key, record=record)
            except Failed as failed:
                error = failed.fault.error
                record.attempt(candidate.target, f"{error.status} {error.code or ''}".strip())
                if last or not failed.fault.again:
                    raise
                await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
            else:
                record.answered(candidate.target, stream=request.stream)
                return answer
        raise AssertionError("the last try returns or raises")


async def within(seconds: float, finding: Coroutine[Any, Any, Answer], asked: str) -> Answer:
    try:
        async with asyncio.timeout(seconds):
            return await finding
    except TimeoutError:
        raise UpstreamError(
            f"{asked}: no answer within {seconds:.0f} s.", status=504, code="upstream_timeout"
        ) from None


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
        remedy = "this version cannot log in; its models are at DashScope too (DASHSCOPE_API_KEY)"
    elif upstream.key_names:
        remedy = f"set {upstream.key_names[0]} in the environment and start again"
    else:
        remedy = "write `key: $NAME` in the profile"
    return Unauthorized(f"{upstream.title} has no key: {remedy}.", code=NO_KEY)


def combined(failures: list[RequestError]) -> RequestError:
    """What the client hears when nobody answered: the last failure of those that were asked, and all their words."""
    last = [failure for failure in failures if failure.code != NO_KEY][-1:] or failures[-1:]
    made = last[0]
    made.headers["x-should-retry"] = "false"  # we have tried: an SDK's own retries would multiply the load
    if len(failures) > 1:
        told = list(dict.fromkeys(failure.message for failure in failures))
        made.message = f"All {len(failures)} attempts failed. " + " ".join(told)
    return made
