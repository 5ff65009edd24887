"""At most so many requests within a sliding minute, first come first served, a little apart.

An upstream that counts requests answers the one too many with 429, and often
counts that one too. Whoever has to wait is told until when, and has a place in
the line from then on. No I/O and no clock.
"""

import math
from collections import deque
from dataclasses import dataclass, field

WINDOW_SECONDS = 61.0  # a minute, and a second for clocks that differ
SPACING_SECONDS = 0.025  # between two requests: a burst in one instant is refused by many


@dataclass(slots=True)
class Pace:
    limit: int  # requests a minute
    _turns: deque[float] = field(default_factory=deque)  # of the last minute and those to come, in order

    def free(self) -> float:
        """From when on one more request may go."""
        turns = self._turns
        if not turns:
            return -math.inf
        spaced = turns[-1] + SPACING_SECONDS
        return spaced if len(turns) < self.limit else max(spaced, turns[-self.limit] + WINDOW_SECONDS)

    def turn(self, now: float) -> float:
        """Take the next turn, and return when that is."""
        while self._turns and self._turns[0] <= now - WINDOW_SECONDS:
            self._turns.popleft()
        at = max(now, self.free())
        self._turns.append(at)
        return at

    def give_back(self, turn: float) -> None:
        """Nobody went at this turn."""
        if turn in self._turns:
            self._turns.remove(turn)

    def left(self, now: float) -> int:
        """How many more may go within this minute."""
        return max(0, self.limit - sum(turn > now - WINDOW_SECONDS for turn in self._turns))
