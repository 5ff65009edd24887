"""Times of the week: `22:00-07:00`, `sat`, `mon-fri 09:00-18:00`."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
_SHAPE = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)?(?:(?:^| +)(?P<start>\d\d?:\d\d)-(?P<end>\d\d?:\d\d))?"
)


@dataclass(frozen=True, slots=True)
class Hours:
    """`start` and `end` are minutes of the day. A night belongs to the day it begins on, and ends beyond it."""

    days: frozenset[int]  # 0 is Monday
    start: int
    end: int

    def hold(self, at: datetime) -> bool:
        """Whether it is such a time."""
        minute = at.hour * 60 + at.minute
        today = at.weekday() in self.days and self.start <= minute < self.end
        return today or ((at.weekday() - 1) % 7 in self.days and minute + DAY < self.end)


@lru_cache(256)
def read(text: str) -> Hours:
    """Raises ValueError with the second half of a sentence."""
    found = _SHAPE.fullmatch(text.strip().lower())
    if not found or not text.strip():
        raise ValueError("has to be like 22:00-07:00, sat, or mon-fri 09:00-18:00")
    first, last = (_day(found[part]) for part in ("first", "last"))
    begin, count = (0, 7) if first is None else (first, 1 if last is None else (last - first) % 7 + 1)
    start, end = _minute(found["start"] or "0:00"), _minute(found["end"] or "24:00")
    days = frozenset((begin + day) % 7 for day in range(count))
    return Hours(days, start, end if start < end else end + DAY)


def _day(name: str | None) -> int | None:
    if name is not None and name not in DAYS:
        raise ValueError(f"has no day '{name}': the days are {', '.join(DAYS)}")
    return None if name is None else DAYS.index(name)


def _minute(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    if minute > 59 or hour * 60 + minute > DAY:
        raise ValueError(f"has no time '{text}': it goes from 0:00 to 24:00")
    return hour * 60 + minute
