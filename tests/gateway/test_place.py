"""What counts for one target with one key."""

import math

from gateway.trying import BROKEN, BUSY, RATE, Clock, fault, trying
from idetour.gateway.breaker import IN_A_ROW
from idetour.gateway.health import Health
from idetour.gateway.place import state_of

EACH = trying("a/x", "one")


def test_the_worst_trouble_is_told() -> None:
    health = Health(clock=Clock())
    for one in (RATE, fault("credential", status=402, rest=1800.0)):
        health.enter(EACH).failed(one)
    state = state_of(health.place(EACH), 1000.0)
    assert (state.state, state.why) == ("cooling", "HTTP 402")
    assert 1800 <= (state.left or 0) <= 1980


def test_while_a_request_tries_it_nobody_knows_until_when() -> None:
    health = Health(clock=(clock := Clock()))
    for _ in range(IN_A_ROW):
        health.enter(EACH).failed(BROKEN)
    clock.now += 31
    permit = health.enter(EACH)
    state = state_of(permit.place, clock.now)
    assert (state.state, state.left) == ("half-open", None)
    assert permit.place.free(clock.now) == math.inf


def test_who_has_a_turn_does_not_queue_again() -> None:
    health = Health(clock=(clock := Clock()))
    health.enter(EACH).failed(RATE)
    place = health.place(EACH)
    first, second = place.turn(clock.now), place.turn(clock.now)
    assert place.free(clock.now, first) == first.at < place.free(clock.now, second) == second.at


def test_a_refusal_makes_earlier_turns_void() -> None:
    health = Health(clock=(clock := Clock()))
    health.enter(EACH).failed(RATE)
    turn = health.place(EACH).turn(clock.now)
    assert turn.valid()
    clock.now = turn.at
    health.enter(EACH).failed(RATE)
    assert not turn.valid()


def test_a_full_model_has_no_moment_from_which_on_it_is_free() -> None:
    health = Health(clock=(clock := Clock()))
    held = [health.enter(EACH) for _ in range(3)]
    held.pop().failed(BUSY)
    clock.now += 100
    assert health.place(EACH).well(clock.now) == math.inf
    held.pop().left()
    held.pop().left()
    assert health.place(EACH).well(clock.now) <= clock.now
