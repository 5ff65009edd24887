"""How often each key was asked."""

import time
from dataclasses import replace

from idetour.usage.keys import asked, midnight
from idetour.usage.row import Entry
from usage import rows
from usage.rows import NOW, attempt, row


def entry(*keys: str, began: float = NOW) -> Entry:
    """A request with an attempt with each of these keys."""
    attempts = [replace(attempt(n=n, target="up/a/b"), key=key) for n, key in enumerate(keys, 1)]
    return Entry(row=row(began=began, tries=len(keys)), attempts=tuple(attempts))


def test_every_attempt_counts_for_its_key_at_its_upstream() -> None:
    other = Entry(row=row(), attempts=(replace(attempt(target="other/a"), key="…1111"),))

    assert rows.asked(asked(NOW - 60), entry("…1111", "…2222"), entry("…1111"), other) == {
        ("up", "…1111"): 2,
        ("up", "…2222"): 1,
        ("other", "…1111"): 1,
    }


def test_what_was_not_asked_and_what_was_before_does_not_count() -> None:
    skipped = Entry(row=row(), attempts=(replace(attempt(outcome="skipped"), key="…1111"),))

    assert rows.asked(asked(NOW - 60), skipped, entry("…1111", began=NOW - 61)) == {}


def test_midnight_is_this_days_by_this_machines_clock() -> None:
    moment = time.localtime(midnight())

    assert (moment.tm_hour, moment.tm_min, moment.tm_sec) == (0, 0, 0)
    assert 0 <= time.time() - midnight() <= 25 * 3600  # an hour more where the clock is set back
