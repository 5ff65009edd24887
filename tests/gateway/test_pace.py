"""Never more than so many within a minute, and in the order of coming."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.gateway.pace import SPACING_SECONDS, WINDOW_SECONDS, Pace


def test_the_first_goes_at_once() -> None:
    assert Pace(35).turn(7) == 7


def test_a_burst_is_spread_a_little() -> None:
    pace = Pace(35)
    assert [pace.turn(0) for _ in range(3)] == pytest.approx([0, SPACING_SECONDS, 2 * SPACING_SECONDS])


def test_the_one_too_many_waits_for_the_window_to_slide() -> None:
    pace = Pace(2)
    assert [pace.turn(now) for now in (0, 10, 20, 20)] == [
        0,
        10,
        WINDOW_SECONDS,
        10 + WINDOW_SECONDS,
    ]


def test_a_turn_that_nobody_takes_is_given_to_the_next() -> None:
    pace = Pace(2)
    pace.turn(0)
    unused = pace.turn(10)
    pace.give_back(unused)
    assert pace.turn(20) == 20


def test_it_tells_how_many_may_still_go() -> None:
    pace = Pace(3)
    assert pace.left(0) == 3
    for _ in range(3):
        pace.turn(0)
    assert (pace.left(1), pace.left(70)) == (0, 3)


@given(st.integers(1, 40), st.lists(st.floats(0, 10), max_size=200))
def test_never_more_than_the_limit_within_any_minute_and_first_come_first_served(
    limit: int, pauses: list[float]
) -> None:
    pace, now, turns = Pace(limit), 0.0, []
    for pause in pauses:
        now += pause
        turns.append(pace.turn(now))
        assert turns[-1] >= now
    assert turns == sorted(turns)
    for first, last in zip(turns, turns[limit:], strict=False):
        assert last - first >= WINDOW_SECONDS - 1e-6


@given(st.lists(st.booleans(), max_size=150))
def test_nothing_is_remembered_for_ever(gives: list[bool]) -> None:
    pace, now = Pace(5), 0.0
    for gives_back in gives:
        now += 30
        turn = pace.turn(now)
        if gives_back:
            pace.give_back(turn)
    assert len(pace._turns) <= 2 * pace.limit
