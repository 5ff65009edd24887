"""Roll-ups by minute, hour and day, so that a chart reads hundreds of rows where there were 100,000 requests.

Each request adds to one row of each step, by asked name, target and client.
Times are counted in buckets that grow by a fifth: a percentile read from them
is a tenth off at most.
"""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from idetour.usage.client import DOCTOR
from idetour.usage.database import COUNTS, SUMS, TOKENS
from idetour.usage.row import Row

MINUTE, HOUR, DAY = STEPS = (60, 3600, 86400)
GROWTH = 1.2
LEAST = 0.001  # seconds; what is quicker is in the first bucket
OUTCOMES = ("ok", "failed", "broken", "left", "stopped")
KINDS = ("first_token", "total")

ADD_SUMS = f"""
    INSERT INTO sums VALUES ({", ".join("?" * (6 + len(SUMS)))})
    ON CONFLICT DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)}
"""
ADD_TIMES = """
    INSERT INTO times VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count
"""


def add(database: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Add requests that have ended, in the caller's transaction. Days are those of UTC.

    The doctor's are left out, and those that were refused before a model was asked.
    """
    sums: dict[tuple[object, ...], list[float]] = defaultdict(lambda: [0.0] * len(SUMS))
    times: dict[tuple[object, ...], int] = defaultdict(int)
    for row in rows:
        if row.client == DOCTOR or row.outcome == "refused":
            continue
        added = [*amounts(row)]
        measured = [(kind, bucket(seconds)) for kind in KINDS if (seconds := getattr(row, kind)) is not None]
        for step in STEPS:
            start = int(row.began // step * step)
            names = step, start, row.asked, row.target or "", row.client
            total = sums[*names, row.currency or ""]
            total[:] = [was + more for was, more in zip(total, added, strict=True)]
            for each in measured:
                times[*names, *each] += 1
    database.executemany(ADD_SUMS, [(*names, *total) for names, total in sums.items()])
    database.executemany(ADD_TIMES, [(*names, count) for names, count in times.items()])


def amounts(row: Row) -> Iterator[float]:
    """What a request adds to each of SUMS."""
    counts = {
        "requests": True,
        **{outcome: row.outcome == outcome for outcome in OUTCOMES},
        "rescued": row.outcome == "ok" and row.tries > 1,
        "estimated": row.counted == "estimate",
        "unpriced": row.tokens is not None and row.cost is None,
    }
    yield from (float(counts[name]) for name in COUNTS)
    yield from (float(getattr(row.tokens, name, 0)) for name in TOKENS)
    yield row.cost or 0.0


def bucket(seconds: float) -> int:
    return max(0, math.ceil(math.log(max(seconds, LEAST) / LEAST, GROWTH) - 1e-9))


def middle(number: int) -> float:
    """The time that a bucket stands for, in seconds."""
    return LEAST * GROWTH ** (number - 0.5) if number else LEAST


def percentile(counts: Mapping[int, int], part: float) -> float | None:
    """The time within which `part` of all ended; None where none did."""
    left = math.ceil(sum(counts.values()) * part)
    for number in sorted(counts):
        left -= counts[number]
        if left <= 0:
            return round(middle(number), 4)
    return None
