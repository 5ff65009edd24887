"""Roll-ups: what each request adds, and percentiles that are a tenth off at most."""

import random
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.usage import sums
from idetour.usage.client import DOCTOR
from idetour.usage.database import opened
from idetour.usage.sums import bucket, middle, percentile
from usage.rows import entry, filled, row


def test_a_request_counts_once_in_each_step() -> None:
    with closing(filled(entry(), entry(outcome="failed", tokens=None, cost=None))) as database:
        found = database.execute(
            "SELECT step, SUM(requests), SUM(ok), SUM(failed), SUM(prompt) FROM sums GROUP BY step"
        )
        assert [tuple(each) for each in found] == [(step, 2, 1, 1, 100) for step in (60, 3600, 86400)]


@pytest.mark.parametrize("other", [{"client": DOCTOR}, {"outcome": "refused", "target": None}])
def test_what_the_doctor_asks_and_what_was_refused_is_in_no_sum(other: dict[str, Any]) -> None:
    with closing(filled(entry(), entry(**other))) as database:
        kept = [tuple(each) for each in database.execute("SELECT COUNT(*) FROM requests")]
        summed = [tuple(each) for each in database.execute("SELECT SUM(requests) FROM sums WHERE step = 60")]
        assert (kept, summed) == ([(2,)], [(1,)])


def test_sums_are_added_to_those_that_are_there() -> None:
    with closing(opened(None)) as database:
        for _ in range(3):
            with database:
                sums.add(database, [row(), row(cost=0.5)])
        [(requests, cost)] = database.execute("SELECT SUM(requests), SUM(cost) FROM sums WHERE step = 60")
        [(times,)] = database.execute("SELECT SUM(count) FROM times WHERE step = 60 AND kind = 'total'")

    assert (requests, round(cost, 3), times) == (6, 1.503, 6)


def test_rescued_estimated_and_unpriced_are_told_apart() -> None:
    rows = [
        row(tries=2),
        row(tries=2, outcome="failed", tokens=None, cost=None, currency=None),
        row(counted="estimate"),
        row(cost=None, currency=None),
    ]
    with closing(opened(None)) as database, database:
        sums.add(database, rows)
        [found] = database.execute(
            "SELECT SUM(rescued), SUM(estimated), SUM(unpriced) FROM sums WHERE step = 60"
        )

    assert tuple(found) == (1, 1, 1)


@given(st.floats(0.001, 100_000))
def test_a_bucket_stands_for_times_within_a_tenth(seconds: float) -> None:
    assert middle(bucket(seconds)) == pytest.approx(seconds, rel=0.1)


def test_percentiles_are_a_tenth_off_at_most() -> None:
    chance = random.Random(3)
    times = sorted(chance.lognormvariate(0, 1) for _ in range(10_000))
    counts: dict[int, int] = {}
    for each in times:
        counts[bucket(each)] = counts.get(bucket(each), 0) + 1

    assert percentile(counts, 0.5) == pytest.approx(times[5_000], rel=0.1)
    assert percentile(counts, 0.95) == pytest.approx(times[9_500], rel=0.1)


def test_where_nothing_was_measured_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None
