"""When somebody is left alone, and how he comes back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.gateway.breaker import IN_A_ROW, OPEN_SECONDS, WINDOW_SECONDS, Breaker


def after(results: str, *, step: float = 1.0) -> tuple[Breaker, float]:
    """A breaker that saw these, one each `step` seconds: `x` a failure, `.` an answer; and what time it is."""
    breaker, now = Breaker(), 0.0
    for result in results:
        now += step
        if result == "x":
            breaker.failed(now, why="HTTP 500")
        else:
            breaker.answered(now)
    return breaker, now


@pytest.mark.parametrize(
    ("results", "step", "state"),
    [
        ("", 1, "closed"),
        ("xxx", 1, "closed"),
        ("xxxx", 1, "open"),
        ("xxxx", 1000, "open"),  # in a row, however long that takes
        ("xxx.xxx", 100, "closed"),
        ("x.x.", 1, "closed"),  # half, but of too few
        ("x.x.x", 1, "open"),
        ("..x.x.x", 1, "closed"),
        ("...xxx", 1, "open"),  # half of six
        ("x.x.x", 20, "closed"),  # the first is no longer in the window
        ("." * 50 + "xxx", 1, "closed"),
    ],
)
def test_it_opens_after_four_in_a_row_or_half_of_at_least_five_in_a_minute(
    results: str, step: float, state: str
) -> None:
    breaker, now = after(results, step=step)
    assert breaker.state(now) == state


def test_it_says_what_opened_it() -> None:
    assert after("xxxx")[0].why == "HTTP 500"


def test_after_thirty_seconds_one_request_may_try() -> None:
    breaker, now = after("xxxx")
    assert breaker.free() == now + OPEN_SECONDS
    assert breaker.state(now + OPEN_SECONDS) == "half-open"
    assert [breaker.enter(), breaker.enter()] == [True, False]
    assert breaker.free() == math.inf


def test_one_answer_closes_it() -> None:
    breaker, now = after("xxxx")
    breaker.enter()
    breaker.answered(now + 40, probe=True)
    assert (breaker.state(now + 40), breaker.free(), breaker.why) == ("closed", -math.inf, "")
    breaker.failed(now + 41)
    assert breaker.state(now + 41) == "closed"  # the old failures are forgotten


def test_a_failed_try_opens_it_again() -> None:
    breaker, now = after("xxxx")
    breaker.enter()
    breaker.failed(now + 40, probe=True)
    assert (breaker.state(now + 41), breaker.free()) == ("open", now + 40 + OPEN_SECONDS)


def test_a_try_whose_client_left_lets_another_try() -> None:
    breaker, now = after("xxxx")
    breaker.enter()
    breaker.left(probe=True)
    assert (breaker.state(now + 40), breaker.enter()) == ("half-open", True)


def test_failures_of_requests_that_were_under_way_do_not_prolong_it() -> None:
    breaker, now = after("xxxx")
    breaker.failed(now + 20)
    assert breaker.free() == now + OPEN_SECONDS


def test_an_answer_to_a_request_that_was_under_way_closes_it_too() -> None:
    breaker, now = after("xxxx")
    breaker.answered(now + 1)
    assert breaker.state(now + 1) == "closed"


def test_while_it_is_closed_everybody_goes_and_nobody_tries() -> None:
    breaker, _ = after("x.")
    assert (breaker.free(), breaker.enter()) == (-math.inf, False)


@given(st.lists(st.tuples(st.floats(0, 40), st.sampled_from("x.el")), max_size=60))
def test_there_is_always_a_way_back(steps: list[tuple[float, str]]) -> None:
    """Whatever happened, it is free within the time that it stays open, or one request is trying it."""
    breaker, now, probe = Breaker(), 0.0, False
    for pause, step in steps:
        now += pause
        if step == "e" and breaker.free() <= now:
            probe = breaker.enter() or probe
        elif step == "x":
            breaker.failed(now, probe=probe)
            probe = False
        elif step == ".":
            breaker.answered(now, probe=probe)
            probe = False
        elif step == "l":
            breaker.left(probe=probe)
            probe = False
        assert breaker.free() <= now + OPEN_SECONDS or probe


@given(st.lists(st.booleans(), max_size=80), st.floats(0.1, 30))
def test_it_opens_exactly_when_the_rule_says_so(results: list[bool], step: float) -> None:
    breaker, seen = Breaker(), []
    for number, failed in enumerate(results):
        now = number * step
        seen.append((now, failed))
        breaker.failed(now) if failed else breaker.answered(now)
        window = [failed for when, failed in seen if when > now - WINDOW_SECONDS]
        row = [failed for _, failed in seen[-IN_A_ROW:]]
        expected = failed and (
            (len(row) == IN_A_ROW and all(row)) or (len(window) >= 5 and 2 * sum(window) >= len(window))
        )
        assert (breaker.state(now) != "closed") == expected
        if expected:
            return
