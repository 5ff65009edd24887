"""What is removed, and what stays."""

from contextlib import closing

import pytest

from idetour.usage import retention
from idetour.usage.retention import tidy
from idetour.usage.row import Bodies, Entry
from usage.rows import NOW, entry, filled, row

DAY = 86400


def test_single_requests_go_after_a_month_and_their_sums_stay() -> None:
    with closing(filled(entry(began=NOW - 31 * DAY), entry(began=NOW - 29 * DAY))) as database:
        tidy(database, NOW)
        left = [
            database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in ("requests", "attempts")
        ]
        steps = database.execute(
            "SELECT step, SUM(requests) FROM sums GROUP BY step ORDER BY step"
        ).fetchall()

    assert left == [1, 1]
    assert [tuple(each) for each in steps] == [(3600, 2), (86400, 2)]


def test_there_are_never_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_IN_MEMORY", 3)
    entries = [entry(began=NOW - number) for number in range(10)]
    with closing(filled(*entries)) as database:
        tidy(database, NOW, in_memory=True)
        kept = {each[0] for each in database.execute("SELECT id FROM requests")}

    assert kept == {each.row.id for each in entries[:3]}


def test_what_was_said_goes_after_a_day() -> None:
    said = Entry(row=row(), bodies=Bodies(request="{}", answer=""))
    with closing(filled(said)) as database:
        tidy(database, NOW)
        assert database.execute("SELECT COUNT(*) FROM bodies").fetchone()[0] == 1
        tidy(database, NOW + 2 * DAY)
        assert database.execute("SELECT COUNT(*) FROM bodies").fetchone()[0] == 0
