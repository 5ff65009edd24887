"""Failed attempts by target."""

from idetour.usage.faults import faults
from idetour.usage.query import Span
from idetour.usage.row import Entry
from usage.rows import NOW, asked, attempt, entry, row

HOUR = Span(since=NOW - 3600, until=NOW)


def test_a_failure_counts_against_who_failed_also_where_another_answered() -> None:
    rescued = Entry(
        row=row(tries=2, target="b/y"),
        attempts=(attempt(target="a/x", outcome="failed", status=429), attempt(n=2, target="b/y")),
    )
    failed = Entry(
        row=row(target=None, outcome="failed"), attempts=(attempt(target="a/x", outcome="failed"),)
    )
    said = asked(faults(HOUR, "hour"), rescued, failed, entry())

    assert sum(each["failed"] for each in said["faults"]) == 2
    assert {each["target"] for each in said["faults"]} == {"a/x"}
    assert all(each["start"] % 3600 == 0 for each in said["faults"])


def test_what_had_no_key_did_not_fail_and_what_is_older_does_not_count() -> None:
    skipped = Entry(row=row(tries=2), attempts=(attempt(target="a/x", outcome="skipped"),))
    old = Entry(row=row(began=NOW - 7200, tries=2), attempts=(attempt(target="a/x", outcome="failed"),))

    assert asked(faults(HOUR), skipped, old)["faults"] == []
