"""How often a caller may ask, where the profile says so: one member of a team leaves something for the others."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from idetour.endpoints.access import presented
from idetour.endpoints.grants import Grant
from idetour.errors import RequestError
from idetour.profile import Profile

MINUTE = 60.0  # seconds


class TooOften(RequestError):
    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


@dataclass(slots=True)
class Limits:
    """What each caller asked within the last minute. Who has asked nothing since is forgotten."""

    clock: Callable[[], float] = time.monotonic
    _asked: dict[str, deque[float]] = field(default_factory=dict)

    def count(self, caller: str, most: int) -> None:
        """Count one more request. Raises TooOften, with the time to wait; what is refused does not count."""
        now = self.clock()
        for name, times in [*self._asked.items()]:
            while times and times[0] <= now - MINUTE:
                times.popleft()
            if not times:
                del self._asked[name]
        times = self._asked.setdefault(caller, deque())
        if len(times) < most:
            return times.append(now)
        seconds = math.ceil(times[-most] + MINUTE - now)
        raise TooOften(
            f"This idetour takes {most:,} requests a minute from each caller. Ask again in {seconds} s.",
            headers={"retry-after": str(seconds)},
        )


def caller(profile: Profile, headers: Mapping[str, str], grant: Grant | None) -> str:
    """Who asks: a task's token, one of the access keys, or anybody who needs none."""
    if grant:
        return f"task {grant.id}"
    keys = [key.reveal() for key in presented(headers).values()]
    ours = (n for n, each in enumerate(profile.access) if any(map(each.matches, keys)))
    return f"key {next(ours, '')}"
