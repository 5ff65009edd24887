"""How many requests a model may have at a time, found by trial: it halves when the model is exhausted.

NIM's workers are shared by everybody: "Worker local total request limit" has
nothing to do with a key, so another key would only be burned. Additive increase,
multiplicative decrease, as in TCP: one more for each minute without a refusal,
no limit any more after thirty. No I/O and no clock.
"""

import math
from dataclasses import dataclass

CLEAN_SECONDS = 60.0  # without exhaustion, for one request more at a time
DISSOLVES = 30  # such minutes, and the limit is gone


@dataclass(slots=True)
class Governor:
    in_flight: int = 0
    _limit: int | None = None  # as it was at the last exhaustion
    _since: float = -math.inf  # when that was

    def limit(self, now: float) -> int | None:
        """Requests at a time; None: as many as come."""
        if self._limit is None:
            return None
        minutes = int((now - self._since) / CLEAN_SECONDS)
        if minutes >= DISSOLVES:
            self._limit = None
            return None
        return self._limit + minutes

    def full(self, now: float) -> bool:
        return self._limit is not None and (limit := self.limit(now)) is not None and self.in_flight >= limit

    def exhausted(self, now: float, *, began: float) -> None:
        """A request that began then was refused, and still counts as in flight.

        Those that were under way together are refused together: that halves the limit once.
        """
        if began >= self._since:
            self._limit, self._since = max(1, self.in_flight // 2), now

    def clear(self) -> None:
        self._limit = None
