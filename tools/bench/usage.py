"""How long the usage store takes to answer, with 100,000 requests in it: `python tools/bench/usage.py [REQUESTS]`.

Each question is one that the dashboard or `idetour usage` asks; none may take 200 ms.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT / "addons"), str(ROOT / "tests")]  # in place of this folder, which has a `usage` too

from idetour.usage.availability import availability  # noqa: E402  # found by the line above
from idetour.usage.database import opened  # noqa: E402
from idetour.usage.query import Span, series, summary  # noqa: E402
from idetour.usage.requests import Wanted, page  # noqa: E402
from idetour.usage.store import write  # noqa: E402
from usage.rows import NOW, many  # noqa: E402

DAY = 86400
TIMES = 5


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        database = opened(Path(folder) / "usage.sqlite")
        began = time.perf_counter()
        entries = [*many(number, days=30)]
        made = time.perf_counter()
        with database:
            write(database, entries)
        print(
            f"{number:,} requests: made in {made - began:.1f} s, written in {time.perf_counter() - made:.1f} s"
        )
        for name, question in questions().items():
            print(f"{name:34}{best(database, question) * 1000:8.1f} ms")
        database.close()


def questions() -> dict[str, Callable[[Connection], object]]:
    day, week, month = (Span(since=NOW - days * DAY, until=NOW) for days in (1, 7, 30))
    return {
        "totals of a day": summary(day),
        "a week by model": summary(week, "model"),
        "a month by target": summary(month, "target"),
        "a month by day": summary(month, "day"),
        "an hour by the minute": series(Span(since=NOW - 3600, until=NOW), "minute"),
        "a week by the hour": series(week, "hour"),
        "a month by the day": series(month, "day"),
        "the latest requests": page(Wanted()),
        "failed ones of one client": page(Wanted(filters={"outcome": "failed", "client": "Trae"})),
        "a search that finds nothing": page(Wanted(search="nothing of that kind")),
        "who failed, in a month": availability(month, "day"),
    }


def best(database: Connection, question: Callable[[Connection], object]) -> float:
    """Seconds, of a few tries."""

    def once() -> float:
        began = time.perf_counter()
        question(database)
        return time.perf_counter() - began

    return min(once() for _ in range(TIMES))


if __name__ == "__main__":
    main()
