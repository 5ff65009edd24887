"""What can be asked of the store: totals, groups, courses, and times as people say them."""

from datetime import datetime
from sqlite3 import Connection
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.usage.query import BYS, Span, checked, moment, series, summary
from usage.rows import NOW, asked, entry, many

DAY = Span(since=NOW - 86400, until=NOW + 1)


def names(said: dict[str, Any]) -> list[str]:
    return [each["name"] for each in said["groups"]]


def test_a_span_is_summed_up() -> None:
    outside = entry(began=NOW - 90_000)
    said = asked(summary(DAY), entry(), entry(cost=2, currency="CNY"), entry(outcome="left"), outside)
    totals = said["totals"]

    assert (totals["requests"], totals["ok"], totals["left"]) == (3, 2, 1)
    assert (totals["prompt"], totals["completion"], totals["cached"], totals["reasoning"]) == (
        300,
        60,
        120,
        15,
    )
    assert totals["costs"] == {"USD": 0.002, "CNY": 2}
    assert totals["first_token"]["p50"] == pytest.approx(0.5, rel=0.1)
    assert said["groups"] == []


def test_groups_come_by_requests_falling() -> None:
    entries = [entry(asked="a"), *(entry(asked="b", client="Cursor") for _ in range(2))]

    assert names(asked(summary(DAY, "model"), *entries)) == ["b", "a"]
    assert names(asked(summary(DAY, "client"), *entries)) == ["Cursor", "Trae"]
    assert names(asked(summary(DAY, "target"), *entries)) == ["up/model"]
    assert names(asked(summary(DAY, "outcome"), *entries)) == ["ok"]


def test_days_and_hours_come_as_they_were() -> None:
    start = 1_795_000_000 // 86400 * 86400
    span = Span(since=start, until=start + 3 * 86400)
    entries = [entry(began=start + 90_000), entry(began=start + 100), entry(began=start + 200)]

    assert names(asked(summary(span, "day"), *entries)) == ["2026-11-18", "2026-11-19"]
    assert names(asked(summary(span, "hour"), *entries)) == ["2026-11-18T00:00Z", "2026-11-19T01:00Z"]


def test_only_what_matches_is_summed() -> None:
    span = Span(since=DAY.since, until=DAY.until, only={"asked": "a", "client": "Trae"})
    said = asked(summary(span), entry(asked="a"), entry(asked="a", client="curl"), entry(asked="b"))

    assert said["totals"]["requests"] == 1
    assert said["totals"]["total"]["p50"] is not None


def test_an_empty_span_has_zeros_and_no_times_or_costs() -> None:
    totals = asked(summary(DAY))["totals"]

    assert (totals["requests"], totals["costs"]) == (0, {})
    assert totals["first_token"] == {"p50": None, "p95": None}


def test_a_course_has_each_bucket_the_empty_ones_too() -> None:
    start = NOW // 3600 * 3600
    span = Span(since=start - 3 * 3600, until=start + 3600)
    said = asked(series(span, "hour"), entry(began=start - 7000), entry(began=start + 1))

    assert [point["start"] for point in said["points"]] == [start - 10800, start - 7200, start - 3600, start]
    assert [point["requests"] for point in said["points"]] == [0, 1, 0, 1]
    assert said["points"][0]["first_token"]["p50"] is None


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1800, "minute"), (86400, "hour"), (7 * 86400, "hour"), (60 * 86400, "day")]
)
def test_the_step_fits_the_span(seconds: int, expected: str) -> None:
    assert asked(series(Span(since=NOW - seconds, until=NOW)))["step"] == expected


def test_too_many_points_are_refused() -> None:
    with pytest.raises(BadRequest, match="longer step"):
        series(Span(since=NOW - 30 * 86400, until=NOW), "minute")


@pytest.mark.parametrize(
    ("said", "expected"),
    [("90m", -5400), ("24h", -86400), ("7d", -604800), ("2w", -1209600)],
)
def test_a_time_ago_is_understood(said: str, expected: float) -> None:
    assert moment(said, 1e9) == 1e9 + expected


def test_dates_and_seconds_are_understood() -> None:
    assert moment("1795000000.5", 0) == 1795000000.5
    assert moment("2026-11-20", 0) == datetime(2026, 11, 20).astimezone().timestamp()
    assert moment("2026-11-20T10:00:00+00:00", 0) == 1795168800


@pytest.mark.parametrize("said", ["", "x", "7", "-7d", "7y", "2026-13-01", "１d", "9" * 400])
def test_what_is_no_time_is_refused_with_what_is_one(said: str) -> None:
    if said == "7":  # seconds since 1970
        assert moment(said, 0) == 7
        return
    with pytest.raises(BadRequest, match="say 90m"):
        moment(said, 0)


def test_what_is_nothing_to_group_by_is_refused() -> None:
    assert [checked(by) for by in BYS] == [*BYS]
    with pytest.raises(BadRequest, match="There are model, target"):
        checked("colour")


def test_what_a_chart_reads_does_not_grow_with_the_requests() -> None:
    """`tools/bench/usage.py` measures the time with 100,000."""
    assert asked(hours, *many(20_000, days=1)) <= 25 * 4 * 5 * 4 * 2


def hours(database: Connection) -> int:
    """How many sums an hourly course reads."""
    return int(database.execute("SELECT COUNT(*) FROM sums WHERE step = 3600").fetchone()[0])


def test_groups_add_up_to_the_totals() -> None:
    span = Span(since=NOW - 2.5 * 86400, until=NOW + 1)
    said = asked(summary(span, "target"), *many(500, days=2))

    for name in ("requests", "ok", "failed", "left", "prompt", "completion"):
        assert sum(each[name] for each in said["groups"]) == said["totals"][name], name
