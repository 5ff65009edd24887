"""How long a key rests, and that nobody is asked too early or too late."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.gateway.cooldown import (
    FIRST_SECONDS,
    JITTER,
    LONGEST_SECONDS,
    SPACING_SECONDS,
    Cooldown,
)

seconds = st.floats(0, 10_000)
chances = st.floats(0, 0.999)


def refused(*moments: float, stated: float | None = None) -> Cooldown:
    """Refused at each of these moments, each time by a request that began just then."""
    rest = Cooldown()
    for now in moments:
        rest.refused(now, began=now, stated=stated, why="slow down")
    return rest


def test_who_was_never_refused_is_free() -> None:
    assert Cooldown().free() == -math.inf
    assert Cooldown().turn(5) == 5


@pytest.mark.parametrize(("times", "rest"), [(1, 2), (2, 4), (3, 8), (7, 128), (8, 256), (9, 300), (40, 300)])
def test_each_refusal_doubles_the_rest_up_to_five_minutes(times: int, rest: float) -> None:
    moments = [1000.0 * number for number in range(times)]
    assert refused(*moments).until - moments[-1] == rest


def test_what_the_upstream_states_is_believed() -> None:
    assert refused(100, stated=7).until == 107


def test_a_stated_nothing_is_a_second() -> None:
    assert refused(100, stated=0).until == 101


def test_an_answer_ends_it_and_the_next_rest_is_short_again() -> None:
    rest = refused(0, 10, 20)
    rest.answered(began=30)
    assert (rest.free(), rest.level, rest.why) == (-math.inf, 0, "")
    rest.refused(40, began=40)
    assert rest.until == 40 + FIRST_SECONDS


def test_an_answer_that_was_under_way_before_the_refusal_says_nothing() -> None:
    rest = refused(10)
    rest.answered(began=9)
    assert rest.until == 12


def test_a_hundred_refusals_of_requests_that_were_under_way_together_count_once() -> None:
    rest = Cooldown()
    for number in range(100):
        rest.refused(1 + number / 1000, began=0.5)
    assert (rest.level, rest.until) == (1, 3)


def test_it_says_why_in_the_words_of_the_longest() -> None:
    rest = refused(0, stated=60)
    rest.refused(1, began=0.5, stated=2, why="another")
    assert (rest.why, rest.until) == ("slow down", 60)


def test_those_that_waited_leave_one_by_one() -> None:
    rest = refused(0)
    turns = [rest.turn(1) for _ in range(3)]
    assert turns == pytest.approx([2, 2 + SPACING_SECONDS, 2 + 2 * SPACING_SECONDS])


def test_a_later_refusal_puts_the_line_behind_it() -> None:
    rest = refused(0)
    for _ in range(50):
        rest.turn(1)
    rest.refused(3, began=2.5)
    assert rest.turn(3) == rest.until == 7


def test_after_an_answer_those_that_come_do_not_queue() -> None:
    rest = refused(0)
    rest.answered(began=3)
    assert [rest.turn(4) for _ in range(3)] == [4, 4, 4]


@given(st.lists(st.tuples(seconds, seconds, st.none() | seconds, chances), max_size=20))
def test_it_never_shortens_a_rest_and_never_ends_before_what_was_stated(
    refusals: list[tuple[float, float, float | None, float]],
) -> None:
    rest, now = Cooldown(), 0.0
    for pause, age, stated, chance in refusals:
        now += pause
        before = rest.until
        rest.refused(now, began=now - age, stated=stated, chance=chance)
        assert rest.until >= before
        assert stated is None or rest.until >= now + stated
        longest = max(stated or 1.0, LONGEST_SECONDS) * (1 + JITTER)
        assert rest.until <= max(before, now + longest + 1e-6)


@given(st.lists(st.sampled_from(["turn", "refused", "answered"]), max_size=40), chances)
def test_no_turn_is_earlier_than_now_or_than_the_end_of_the_rest(steps: list[str], chance: float) -> None:
    rest, now = Cooldown(), 0.0
    for step in steps:
        now += 0.7
        if step == "turn":
            assert rest.turn(now) >= max(now, rest.until)
        elif step == "refused":
            rest.refused(now, began=now, chance=chance)
        else:
            rest.answered(began=now)
