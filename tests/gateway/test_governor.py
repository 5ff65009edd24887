"""How many requests a model may have at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.gateway.governor import CLEAN_SECONDS, DISSOLVES, Governor


def exhausted(in_flight: int, now: float = 100.0) -> Governor:
    governor = Governor(in_flight)
    governor.exhausted(now, began=now - 1)
    return governor


def test_nobody_is_limited_before_the_first_exhaustion() -> None:
    governor = Governor(1000)
    assert (governor.limit(5), governor.full(5)) == (None, False)


@pytest.mark.parametrize(("in_flight", "limit"), [(1, 1), (2, 1), (3, 1), (9, 4), (32, 16)])
def test_exhaustion_halves_what_is_in_flight(in_flight: int, limit: int) -> None:
    governor = exhausted(in_flight)
    assert governor.limit(100) == limit
    assert governor.full(100)


def test_those_refused_together_halve_it_once() -> None:
    governor = Governor(32)
    for number in range(16):
        governor.exhausted(100 + number / 1000, began=99)
        governor.in_flight -= 1
    assert governor.limit(100) == 16


def test_a_later_refusal_halves_again() -> None:
    governor = exhausted(32)
    governor.in_flight = 16
    governor.exhausted(105, began=101)
    assert governor.limit(105) == 8


@pytest.mark.parametrize(("minutes", "limit"), [(0.9, 4), (1, 5), (1.5, 5), (10, 14), (DISSOLVES - 1, 33)])
def test_each_clean_minute_allows_one_more(minutes: float, limit: int) -> None:
    assert exhausted(9).limit(100 + minutes * CLEAN_SECONDS) == limit


def test_after_thirty_clean_minutes_the_limit_is_gone() -> None:
    governor = exhausted(9)
    assert governor.limit(100 + DISSOLVES * CLEAN_SECONDS) is None
    governor.in_flight = 1000
    assert not governor.full(100 + DISSOLVES * CLEAN_SECONDS)


def test_it_can_be_cleared() -> None:
    governor = exhausted(9)
    governor.clear()
    assert not governor.full(100)


@given(st.lists(st.tuples(st.floats(0, 5000), st.integers(0, 100)), max_size=30))
def test_one_request_may_always_go(steps: list[tuple[float, int]]) -> None:
    governor, now = Governor(), 0.0
    for pause, in_flight in steps:
        now += pause
        governor.in_flight = in_flight
        governor.exhausted(now, began=now)
        governor.in_flight = 0
        assert not governor.full(now)
