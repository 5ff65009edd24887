"""Who could be relied on, and when: for each target what it answered, and how often it failed.

The sums name only who answered in the end. Failures that another target made
good stand in the attempts; the index `failing` holds the requests that had any.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable

from idetour.usage.query import STEPS, Span, Step, Sums

ANSWERED = (
    "SELECT target, start, SUM(requests), SUM(broken) FROM sums WHERE {where} AND target <> '' GROUP BY 1, 2"
)
FAILED = """
    SELECT attempts.target, CAST(requests.began / :step AS INTEGER) * :step, COUNT(*)
    FROM requests JOIN attempts ON attempts.request = requests.id
    WHERE requests.began >= :since AND requests.began < :until
      AND (requests.tries > 1 OR requests.outcome = 'failed') AND attempts.outcome = 'failed'
    GROUP BY 1, 2
"""
MOST = 20  # targets


def availability(span: Span, step: Step | None = None) -> Callable[[sqlite3.Connection], Sums]:
    """By target, the most asked first: its buckets as `[start, asked, failed]`, the empty ones left out."""
    chosen = step or span.step()
    seconds = STEPS[chosen]

    def ask(database: sqlite3.Connection) -> Sums:
        found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        where, values = span.where(seconds)
        for target, start, requests, broken in database.execute(ANSWERED.format(where=where), values):
            add(found[target][start], int(requests), int(broken))
        times = {"step": seconds, "since": span.since // seconds * seconds, "until": span.until}
        for target, start, failed in database.execute(FAILED, times):
            add(found[target][start], failed, failed)
        asked = {target: sum(count for count, _ in found[target].values()) for target in found}
        names = sorted(found, key=lambda target: -asked[target])[:MOST]
        targets = [
            {"target": name, "points": [[start, *found[name][start]] for start in sorted(found[name])]}
            for name in names
        ]
        return {"since": span.since, "until": span.until, "step": chosen, "targets": targets}

    return ask


def add(bucket: list[int], asked: int, failed: int) -> None:
    bucket[0] += asked
    bucket[1] += failed
