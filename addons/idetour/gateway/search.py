"""The search for an answer: who is asked next, how long to wait for them, and when to give up.

Tries that may go now come first, in the order of the plan. If none may, the one
that recovers first is waited for, half a minute in all; who is merely paced is
waited for longer, since nothing is wrong. A sole candidate is never passed over
for its past: it is asked, in the worst case after that wait.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from idetour.errors import RequestError, UpstreamError
from idetour.gateway import retry_after
from idetour.gateway.faults import Fault
from idetour.gateway.health import Health, Permit
from idetour.gateway.place import Trouble, Turn
from idetour.gateway.tries import MOST_CANDIDATES, Try, at_most
from idetour.profile import Target

PATIENCE_SECONDS = 30.0  # for recovery, in one request
PACED_SECONDS = 300.0  # for a turn at an upstream that is paced


@dataclass(slots=True)
class Search:
    """`until` is when the client gives up, on the clock of `health`."""

    health: Health
    pending: list[Try]
    until: float = math.inf
    sole: bool = field(init=False)
    failures: list[RequestError] = field(default_factory=list)
    unable: list[RequestError] = field(default_factory=list)  # of those that had no word for it
    _asked: set[Try] = field(default_factory=set)
    _used_up: list[Try] = field(default_factory=list)
    _waited: float = 0.0

    def __post_init__(self) -> None:
        self.pending = [*self.pending]
        self.sole = len(self.pending) == 1
        if len(self.pending) > MOST_CANDIDATES:
            now = self.health.clock()
            ranked = sorted(self.pending, key=lambda each: max(now, self.health.place(each).free(now)))
            self.pending = [*at_most(ranked)]

    async def next(self) -> tuple[Try, Permit] | None:
        """Whom to ask now; None when nobody is left who may be asked in time."""
        turn: Turn | None = None
        gone = False
        try:
            while self.pending:
                now = self.health.clock()
                each, at = self.health.best(self.pending, now, turn, sole=self.sole)
                if at > now and (patience := self._patience(each, at, now, turn)) > 0:
                    turn = self._turn(each, now, turn)
                    await self._wait(each, now, min(at - now, patience), turn)
                    continue
                if at > now and not (self.sole and each not in self._asked):
                    return None
                self.pending.remove(each)
                self._asked.add(each)
                gone = turn is not None and turn.place is self.health.place(each)
                return each, self.health.enter(each, turn if gone else None)
        finally:
            if turn is not None and not gone:
                turn.give_back()
        return None

    def _turn(self, each: Try, now: float, turn: Turn | None) -> Turn:
        """The one we have, unless it is void or the line of another has become shorter."""
        place = self.health.place(each)
        if turn is not None:
            if turn.place is place and turn.valid():
                return turn
            turn.give_back()
        return place.turn(now)

    def _patience(self, each: Try, at: float, now: float, turn: Turn | None) -> float:
        """Seconds that may be waited; 0 where it is of no use."""
        well = self.health.place(each).well(now, turn, sole=self.sole)
        most = PATIENCE_SECONDS - self._waited if well > now else PACED_SECONDS
        most = min(most, self.until - now)
        return most if at == math.inf or at - now <= most else 0.0

    async def _wait(self, each: Try, now: float, seconds: float, turn: Turn | None) -> None:
        recovering = self.health.place(each).well(now, turn, sole=self.sole) > now
        await self.health.change(seconds)
        if recovering:
            self._waited += self.health.clock() - now

    def share(self) -> float | None:
        """Seconds that one attempt may take so that there is time for another; None: as long as it likes."""
        if self.until == math.inf or not self.pending:
            return None
        return (self.until - self.health.clock()) / 2

    def failed(self, each: Try, fault: Fault) -> None:
        """Leave out those for whom the same is true."""
        (self.unable if fault.unable else self.failures).append(fault.error)
        if not fault.elsewhere:
            self.pending = []
        self.pending = [other for other in self.pending if not shares(fault, each, other)]
        if fault.passes:
            self.pending.append(each)
        elif fault.error.status == 429:
            self._used_up.append(each)

    def resting(self) -> list[RequestError]:
        """Why those were not asked who might have been: of several keys with one reason, the first to be back."""
        now = self.health.clock()
        found: dict[tuple[Target, str], tuple[float, RequestError]] = {}
        for each in self.pending:
            if each in self._asked:
                continue
            troubles = [*self.health.place(each).troubles(now)]
            unknown: Trouble = ("cooling", now, "")
            trouble = max(troubles, key=lambda trouble: trouble[1], default=unknown)
            same, until = (each.candidate.target, trouble[2]), trouble[1]
            if same not in found or until < found[same][0]:
                found[same] = until, rests(each, trouble, now)
        return [error for _, error in found.values()]

    def recovery(self) -> float | None:
        """Seconds until the first of those who are left or used up may be asked again, where that is known."""
        now, waiting = self.health.clock(), (*self.pending, *self._used_up)
        soonest = min((self.health.place(each).free(now) for each in waiting), default=math.inf)
        return max(0.0, soonest - now) if soonest < math.inf else None


def rests(each: Try, trouble: Trouble, now: float) -> RequestError:
    state, until, why = trouble
    left = f" for {spoken(until - now)}" if now < until < math.inf else ""
    status, code = (503, "overloaded") if state != "cooling" else (429, "rate_limit_exceeded")
    named = f"{each.candidate.upstream.title} ({each.candidate.target})"
    why = why.removeprefix(f"{named}: ")
    return UpstreamError(
        f"{named} is left alone{left} after: {why}", status=status, code=code, type="rate_limit_error"
    )


def spoken(seconds: float) -> str:
    """A time to wait, as people say it."""
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{math.ceil(seconds / 60)} min"


def shares(fault: Fault, failed: Try, other: Try) -> bool:
    """Whether the fault of one try says that another would fail as well."""
    mine, theirs = failed.candidate, other.candidate
    if fault.unable or fault.seeing:
        return mine.target == theirs.target or (fault.seeing and other.blind)
    if fault.larger:
        return not (failed.window and other.window and other.window > failed.window)
    match fault.scope:
        case "endpoint":
            return mine.upstream.url == theirs.upstream.url
        case "model":
            return mine.target == theirs.target
        case "credential":
            return mine.upstream.url == theirs.upstream.url and failed.id == other.id
        case _:
            return False


def combined(search: Search, keyless: Sequence[RequestError]) -> RequestError:
    """What the client hears when nobody answered: the last failure of those that were asked, and all their words."""
    failures, unable, resting = search.failures, search.unable, search.resting()
    made = (failures or resting or unable or keyless)[-1]
    made.headers["x-should-retry"] = "false"  # we have tried: an SDK's own retries would multiply the load
    seconds, said = search.recovery(), retry_after.stated(made.headers, now=time.time())
    if seconds is not None and (said is None or seconds < said):
        made.headers.pop("retry-after-ms", None)
        made.headers["retry-after"] = str(math.ceil(seconds))
    told = list(dict.fromkeys(failure.message for failure in (*failures, *resting, *unable, *keyless)))
    if seconds and failures:  # who rests is told with how long
        told.append(f"Ask again in {spoken(seconds)}.")
    count = f"All {len(failures)} attempts failed. " if len(failures) > 1 else ""
    made.message = count + " ".join(told)
    return made
