"""Times of the week."""

from datetime import datetime

import pytest

from idetour.profile import hours

WEEK = {"mon": 2, "tue": 3, "wed": 4, "thu": 5, "fri": 6, "sat": 7, "sun": 8}  # of March 2026


@pytest.mark.parametrize(
    ("text", "when", "holds"),
    [
        ("09:00-18:00", "mon 09:00", True),
        ("09:00-18:00", "sun 17:59", True),
        ("09:00-18:00", "mon 18:00", False),
        ("22:00-07:00", "mon 23:00", True),
        ("22:00-07:00", "mon 06:59", True),
        ("22:00-07:00", "mon 07:00", False),
        ("sat", "sat 00:00", True),
        ("sat", "sat 23:59", True),
        ("sat", "sun 00:00", False),
        ("mon-fri", "fri 12:00", True),
        ("mon-fri", "sat 12:00", False),
        ("fri-mon", "sun 12:00", True),
        ("fri-mon", "wed 12:00", False),
        ("mon-fri 09:00-18:00", "wed 10:00", True),
        ("mon-fri 09:00-18:00", "sat 10:00", False),
        ("fri 22:00-07:00", "sat 06:00", True),  # a night belongs to its evening
        ("fri 22:00-07:00", "fri 06:00", False),
        ("sun 22:00-07:00", "mon 06:00", True),
        ("18:00-24:00", "mon 23:59", True),
        ("18:00-0:00", "mon 23:59", True),
        ("0:00-24:00", "mon 00:00", True),
        (" Mon  9:00-10:00 ", "mon 09:30", True),
    ],
)
def test_it_is_that_time_or_not(text: str, when: str, holds: bool) -> None:
    day, clock = when.split()
    hour, minute = map(int, clock.split(":"))

    assert hours.read(text).hold(datetime(2026, 3, WEEK[day], hour, minute)) is holds


@pytest.mark.parametrize(
    "text", ["", " ", "weekend", "9-18", "24:01-3:00", "1:60-2:00", "mon-", "montag", "周一", "mon,tue"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^has "):
        hours.read(text)
