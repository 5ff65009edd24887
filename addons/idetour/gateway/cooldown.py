"""The rest that a key, or a key at one model, is given after a refusal.

    ready ──refused──▶ resting ──time──▶ recovering ──answered──▶ ready
                          ▲                  │ refused: twice as long
                          └──────────────────┘

While it recovers, those that waited leave one by one, so that a hundred requests
that all waited for the same second do not arrive in it. No I/O and no clock:
times are seconds on whichever monotonic clock the caller has.
"""

import math
from dataclasses import dataclass, field

FIRST_SECONDS = 2.0  # the rest where the upstream states none; doubled by each refusal that follows
LONGEST_SECONDS = 300.0
LEAST_SECONDS = 1.0  # a stated `Retry-After: 0` is not taken at its word
JITTER = 0.1  # of the rest, added: many clients were told the same second
SPACING_SECONDS = 0.1  # between requests that leave while it recovers


@dataclass(slots=True, weakref_slot=True)
class Cooldown:
    """`why` says it in the upstream's own words. `level` counts refusals since the last answer."""

    until: float = -math.inf
    level: int = 0
    why: str = ""
    _since: float = field(default=-math.inf)  # the last refusal
    _last: float = field(default=-math.inf)  # the last turn that was given

    def refused(
        self, now: float, *, began: float, stated: float | None = None, chance: float = 0.0, why: str = ""
    ) -> None:
        """A request that began then was refused; the upstream `stated` seconds, or none. `chance` is in [0, 1).

        Never shortens a rest. Refusals of requests that were under way together count once.
        """
        if stated is None:
            if began < self._since:
                return
            rest = min(FIRST_SECONDS * 2**self.level, LONGEST_SECONDS)
        else:
            rest = max(stated, LEAST_SECONDS)
        if began >= self._since:
            self.level = min(self.level + 1, 16)
        self._since = now
        until = now + rest * (1 + JITTER * chance)
        if until > self.until:
            self.until, self.why, self._last = until, why, -math.inf

    def answered(self, *, began: float) -> None:
        """A request that began then was answered. One from before the refusal says nothing about now."""
        if began >= self._since:
            self.until, self.level, self.why = -math.inf, 0, ""  # who waits keeps his turn

    def clear(self) -> None:
        """As if nothing had happened."""
        self.until, self.level, self.why, self._last = -math.inf, 0, "", -math.inf

    def resume(self, until: float, why: str) -> None:
        """A rest that began in an earlier process."""
        self.until, self.level, self.why = until, 1, why

    def free(self) -> float:
        """From when on one more request may go."""
        return max(self.until, self._last + SPACING_SECONDS)

    def turn(self, now: float) -> float:
        """Take the next turn, and return when that is. A turn before `until` is void: take another."""
        at = max(now, self.free())
        if self.level or at > now:
            self._last = at
        return at
