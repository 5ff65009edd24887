"""How often each key was asked: what free tiers count by the day, and what a restart must not forget."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

ASKED = """
    SELECT SUBSTR(attempts.target, 1, INSTR(attempts.target, '/') - 1), attempts.key, COUNT(*)
    FROM requests JOIN attempts ON attempts.request = requests.id
    WHERE requests.began >= ? AND attempts.outcome <> 'skipped'
    GROUP BY 1, 2
"""

type Asked = dict[tuple[str, str], int]  # upstream and key, as it may be shown → attempts


def asked(since: float) -> Callable[[sqlite3.Connection], Asked]:
    """Attempts of requests that began at `since`, in seconds since 1970, or later, and have ended."""
    return lambda database: {
        (upstream, key): count for upstream, key, count in database.execute(ASKED, (since,))
    }


def midnight() -> float:
    """The last one, by this machine's clock and zone."""
    return datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
