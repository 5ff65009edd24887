"""A breaker: who fails again and again is left alone for a while, then asked by one real request.

    closed ──4 failures in a row, or half of at least 5 within 60 s──▶ open
    open ──30 s──▶ half-open: one request goes
    half-open ──answered──▶ closed       half-open ──failed──▶ open

No I/O and no clock: times are seconds on whichever monotonic clock the caller has.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

IN_A_ROW = 4
LEAST = 5  # requests within the window before their share of failures means anything
WINDOW_SECONDS = 60.0
OPEN_SECONDS = 30.0
MOST = 200  # results that are remembered of one window

type State = Literal["closed", "open", "half-open"]


@dataclass(slots=True, weakref_slot=True)
class Breaker:
    """`why` is the failure that opened it."""

    why: str = ""
    _opened: float | None = None
    _probing: bool = False
    _row: int = 0
    _recent: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=MOST))  # when, failed

    def state(self, now: float) -> State:
        if self._opened is None:
            return "closed"
        return "half-open" if self._probing or now >= self._opened + OPEN_SECONDS else "open"

    def free(self) -> float:
        """From when on a request may go; infinity while the one that tries it is under way."""
        if self._opened is None:
            return -math.inf
        return math.inf if self._probing else self._opened + OPEN_SECONDS

    def enter(self) -> bool:
        """A request goes. Whether it is the one that tries: `answered`, `failed` or `left` ends that."""
        if self._opened is None or self._probing:
            return False
        self._probing = True
        return True

    def answered(self, now: float, *, probe: bool = False) -> None:
        """One answer closes it."""
        if self._opened is not None:
            self.clear()
        self._row = 0
        self._probing = self._probing and not probe
        self._recent.append((now, False))

    def clear(self) -> None:
        """Closed, as if nothing had happened."""
        self._opened, self._probing, self._row, self.why = None, False, 0, ""
        self._recent.clear()

    def failed(self, now: float, *, probe: bool = False, why: str = "") -> None:
        if probe:
            self._opened, self._probing, self.why = now, False, why
        elif self._opened is None:
            self._row += 1
            self._recent.append((now, True))
            if self._row >= IN_A_ROW or self._half(now):
                self._opened, self._probing, self.why = now, False, why

    def left(self, *, probe: bool) -> None:
        """The request ended without a result: its client left."""
        if probe:
            self._probing = False

    def _half(self, now: float) -> bool:
        """Whether at least half of enough requests failed within the window."""
        while self._recent and self._recent[0][0] <= now - WINDOW_SECONDS:
            self._recent.popleft()
        failures = sum(failed for _, failed in self._recent)
        return len(self._recent) >= LEAST and 2 * failures >= len(self._recent)
