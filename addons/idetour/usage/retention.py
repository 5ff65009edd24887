"""How long usage is kept: days for single requests, years for their sums.

Little at a time: whoever writes next does not wait for the removal of a month.
"""

import sqlite3

from idetour.usage.sums import DAY, HOUR, MINUTE

REQUEST_DAYS = 30
MOST_REQUESTS = 500_000
MOST_IN_MEMORY = 5_000
SUM_DAYS = {MINUTE: 3, HOUR: 100, DAY: 3 * 366}
BODY_DAYS = 1
MOST_BODIES = 200  # requests whose bodies are kept
AT_ONCE = 20_000  # rows


def tidy(database: sqlite3.Connection, now: float, *, in_memory: bool = False) -> None:
    """Remove what is too old, or too much. Raises sqlite3.Error."""
    most = MOST_IN_MEMORY if in_memory else MOST_REQUESTS
    with database:
        oldest = database.execute(
            "SELECT began FROM requests ORDER BY began DESC LIMIT 1 OFFSET ?", (most,)
        ).fetchone()
        until = max(now - REQUEST_DAYS * DAY, oldest[0] if oldest else 0.0)
        gone = [
            (id,)
            for (id,) in database.execute(
                "SELECT id FROM requests WHERE began <= ? ORDER BY began LIMIT ?", (until, AT_ONCE)
            )
        ]
        for table, column in (("requests", "id"), ("attempts", "request"), ("bodies", "id")):
            database.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)
        for step, days in SUM_DAYS.items():
            for table in ("sums", "times"):
                database.execute(
                    f"DELETE FROM {table} WHERE step = ? AND start < ?", (step, now - days * DAY)
                )
        database.execute("DELETE FROM bodies WHERE at < ?", (now - BODY_DAYS * DAY,))
        database.execute(
            "DELETE FROM bodies WHERE id NOT IN (SELECT id FROM bodies ORDER BY at DESC LIMIT ?)",
            (MOST_BODIES,),
        )
