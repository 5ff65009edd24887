"""Which targets failed and when, also where another then answered: the roll-ups name only who answered.

Read from the attempts, but only of requests that a failure had a part in.
"""

import sqlite3
from collections.abc import Callable

from idetour.usage.query import STEPS, Span, Step, Sums

QUESTION = """
    SELECT attempts.target AS target, CAST(requests.began / :step AS INTEGER) * :step AS start, COUNT(*) AS failed
    FROM requests JOIN attempts ON attempts.request = requests.id
    WHERE requests.began >= :since AND requests.began < :until
      AND (requests.tries > 1 OR requests.outcome = 'failed') AND attempts.outcome = 'failed'
    GROUP BY 1, 2
"""


def faults(span: Span, step: Step | None = None) -> Callable[[sqlite3.Connection], Sums]:
    """Failed attempts by target and bucket; a bucket without any is left out."""
    chosen = step or span.step()

    def ask(database: sqlite3.Connection) -> Sums:
        values = {"step": STEPS[chosen], "since": span.since, "until": span.until}
        rows = [{**each} for each in database.execute(QUESTION, values)]
        return {"since": span.since, "until": span.until, "step": chosen, "faults": rows}

    return ask
