"""Pages of single requests, and one of them whole."""

import pytest

from idetour.errors import BadRequest
from idetour.usage.requests import Wanted, document, page
from idetour.usage.requests import entry as one
from idetour.usage.row import Bodies, Entry
from usage.rows import NOW, asked, attempt, entry, row


def ids(rows: list[object]) -> list[str]:
    return [each.id for each in rows]  # type: ignore[attr-defined]


def test_pages_come_newest_first_and_miss_nothing_at_the_same_moment() -> None:
    entries = [entry(began=NOW - number // 3) for number in range(10)]
    seen, before = [], ""
    while True:
        rows, following = asked(page(Wanted(limit=4, before=before)), *entries)
        seen += ids([*rows])
        if following is None:
            break
        before = following

    newest = sorted(entries, key=lambda each: (each.row.began, each.row.id), reverse=True)
    assert seen == [each.row.id for each in newest]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"outcome": "failed,broken"}, 2),
        ({"client": "curl"}, 1),
        ({"target": "up/x", "asked": "a"}, 1),
        ({"asked": "z"}, 0),
    ],
)
def test_all_filters_have_to_hold_and_one_may_name_several(filters: dict[str, str], expected: int) -> None:
    entries = [
        entry(outcome="failed"),
        entry(outcome="broken"),
        entry(client="curl"),
        entry(target="up/x", asked="a"),
    ]
    rows, _ = asked(page(Wanted(filters=filters)), *entries)

    assert len(rows) == expected


def test_a_search_looks_at_names_and_errors_and_takes_signs_as_they_are() -> None:
    entries = [entry(error="no 100% luck"), entry(target="up/other"), entry(asked="x_y")]

    for said, expected in (("100%", 1), ("OTHER", 1), ("x_y", 1), ("x%y", 0), ("", 3)):
        rows, _ = asked(page(Wanted(search=said)), *entries)
        assert len(rows) == expected, said


def test_a_row_comes_back_as_it_was_written() -> None:
    written = row(changed=("temperature dropped", "n → 1"), stream=True, error="ß 模型")
    rows, following = asked(page(Wanted()), Entry(row=written))

    assert (rows, following) == ([written], None)


def test_one_is_told_with_its_attempts_and_what_was_said() -> None:
    attempts = (attempt(outcome="failed", status=429, error="busy", rest=3.0), attempt(n=2))
    written = Entry(row=row(), attempts=attempts, bodies=Bodies(request="{}", answer="…", cut=True))
    found = asked(one(written.row.id), written)

    assert found == written
    assert document(written)["attempts"] == attempts
    assert asked(one("req_none"), written) is None


@pytest.mark.parametrize("said", ["x", "_", "1,2", "nan'"])
def test_a_cursor_of_ones_own_making_is_refused(said: str) -> None:
    with pytest.raises(BadRequest, match="before"):
        page(Wanted(before=said))
