"""What each target answered, and how often it failed."""

from dataclasses import replace

from idetour.usage.availability import MOST, availability
from idetour.usage.query import Span
from idetour.usage.row import Attempt, Entry
from usage.rows import NOW, asked, attempt, entry, row

HOUR = Span(since=NOW - 1800, until=NOW)


def failing(first: str, *more: Attempt, **changes: object) -> Entry:
    """A request whose first attempt failed at this target."""
    attempts = (attempt(target=first, outcome="failed", status=429), *more)
    return Entry(row=row(tries=len(attempts), **changes), attempts=attempts)


def counted(*entries: Entry) -> dict[str, tuple[int, int]]:
    """Asked and failed, by target."""
    said = asked(availability(HOUR, "hour"), *entries)
    return {
        each["target"]: (sum(at for _, at, _ in each["points"]), sum(bad for _, _, bad in each["points"]))
        for each in said["targets"]
    }


def test_a_failure_counts_against_who_failed_also_where_another_answered() -> None:
    rescued = failing("a/x", attempt(n=2, target="b/y"), target="b/y")
    failed = failing("a/x", target=None, outcome="failed")

    assert counted(rescued, failed, entry(target="b/y")) == {"a/x": (2, 2), "b/y": (2, 0)}


def test_an_answer_that_broke_off_is_a_failure_of_who_gave_it() -> None:
    assert counted(entry(target="b/y", outcome="broken")) == {"b/y": (1, 1)}


def test_what_had_no_key_did_not_fail_and_what_is_older_does_not_count() -> None:
    skipped = failing("a/x", attempt(n=2, target="b/y"), target="b/y")
    skipped = replace(
        skipped, attempts=(replace(skipped.attempts[0], outcome="skipped"), skipped.attempts[1])
    )
    old = failing("a/x", attempt(n=2), began=NOW - 3 * 3600)

    assert counted(skipped, old) == {"b/y": (1, 0)}


def test_buckets_begin_where_those_of_a_course_do_and_the_most_asked_come_first() -> None:
    entries = [entry(target=f"up/{number}") for number in range(MOST + 5)] + [entry(target="up/3")]
    said = asked(availability(HOUR, "minute"), *entries)

    assert (len(said["targets"]), said["targets"][0]["target"]) == (MOST, "up/3")
    assert all(start % 60 == 0 for each in said["targets"] for start, _, _ in each["points"])
