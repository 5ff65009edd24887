"""Who is asked next, and when it is given up."""

import asyncio
import time

import pytest

from gateway.trying import BROKEN, BUSY, DEAD, RATE, REFUSED, Clock, fault, trying
from idetour.errors import RequestError
from idetour.gateway import cooldown
from idetour.gateway import search as module
from idetour.gateway.faults import Fault
from idetour.gateway.health import Health
from idetour.gateway.search import Search, combined, spoken
from idetour.gateway.tries import Try

A, A2, AY, B = trying("a/x", "one"), trying("a/x", "two"), trying("a/y", "one"), trying("b/x", "one")


@pytest.fixture
def health() -> Health:
    return Health(clock=Clock())


def order(health: Health, pending: list[Try], *faults: Fault) -> list[Try]:
    """Who is asked, while each fails in the way that is next."""

    async def run() -> list[Try]:
        searching, asked, coming = Search(health, pending), [], iter(faults)
        while chosen := await searching.next():
            each, permit = chosen
            asked.append(each)
            if (failure := next(coming, None)) is None:
                permit.left()
                return asked
            permit.failed(failure)
            searching.failed(each, failure)
        return asked

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("failure", "then"),
    [
        (RATE, A2),
        (REFUSED, A2),
        (BUSY, AY),
        (BROKEN, AY),
        (DEAD, B),
        (fault("request", elsewhere=False), None),
    ],
    ids=["429", "401", "busy", "500", "dead", "400"],
)
def test_the_scope_says_who_is_asked_next(health: Health, failure: Fault, then: Try | None) -> None:
    assert order(health, [A, A2, AY, B], failure)[1:] == ([then] if then else [])


def test_a_key_that_is_refused_is_not_tried_with_another_model(health: Health) -> None:
    assert order(health, [A, AY, B], REFUSED) == [A, B]


def test_a_request_that_is_too_long_goes_to_larger_windows_alone(health: Health) -> None:
    tries = [trying("a/x", window=8), trying("b/x"), trying("c/x", window=8), trying("d/x", window=9)]
    assert order(health, tries, fault("request", larger=True)) == [tries[0], tries[3]]


def test_who_rests_is_asked_last(health: Health) -> None:
    health.enter(A).failed(RATE)
    assert order(health, [A, B]) == [B]


def test_five_are_asked_and_each_target_among_them(health: Health) -> None:
    many = [trying("a/x", str(number)) for number in range(9)] + [B]
    asked = order(health, many, *[fault("credential×model", rest=60.0)] * 9)
    assert (len(asked), asked[-1]) == (5, B)


def test_the_first_to_recover_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 5)
    health = Health()
    for each, seconds in ((A, 3.0), (B, 1.0)):
        health.enter(each).failed(fault("credential×model", rest=seconds))
    health.place(B).rest.until -= 0.9
    assert order(health, [A, B]) == [B]


def test_nobody_is_waited_for_longer_than_the_client_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 30)
    health = Health()
    for each in (A, B):
        health.enter(each).failed(fault("credential×model", rest=20.0))

    async def run() -> object:
        return await Search(health, [A, B], until=time.monotonic() + 1).next()

    assert asyncio.run(run()) is None


def test_who_stops_waiting_gives_his_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    health, paced = Health(), trying("p/x", "one", pace=1)

    async def run() -> int:
        search = Search(health, [paced])
        assert await search.next()
        task = asyncio.create_task(Search(health, [paced]).next())
        await asyncio.sleep(0.01)
        pace = health.place(paced).credential.pace
        assert pace
        assert len(pace._turns) == 2
        task.cancel()
        await asyncio.wait({task})
        return len(pace._turns)

    assert asyncio.run(run()) == 1


def test_those_who_wait_leave_one_by_one_also_after_another_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 5)
    monkeypatch.setattr(cooldown, "LEAST_SECONDS", 0.05)
    health, went = Health(), []
    refused = fault("credential×model", passes=True, rest=0.4)

    async def wait() -> None:
        chosen = await Search(health, [A]).next()
        assert chosen
        went.append(time.monotonic())
        if len(went) == 1:
            chosen[1].failed(refused)

    async def run() -> None:
        health.enter(A).failed(refused)
        await asyncio.gather(*(wait() for _ in range(3)))

    asyncio.run(run())
    first, second, third = went  # each may come late, as on a busy machine, and none early
    assert second - first >= 0.4
    assert third - first >= 0.4 + 0.9 * cooldown.SPACING_SECONDS


def test_an_attempt_leaves_time_for_another_where_the_client_says_how_long_it_waits(health: Health) -> None:
    assert Search(health, [A, B]).share() is None
    assert Search(health, [A, B], until=1010.0).share() == 5
    assert Search(health, [], until=1010.0).share() is None


def test_the_error_says_when_to_come_back_and_not_to_try_at_once(health: Health) -> None:
    for each, seconds in ((A, 60.0), (B, 40.0)):
        health.enter(each).failed(fault("credential×model", status=429, rest=seconds))
    error = combined(Search(health, [A, B]), [])
    assert (error.status, error.headers["x-should-retry"]) == (429, "false")
    assert 40 <= int(error.headers["retry-after"]) <= 45
    assert "a (a/x) is left alone for" in error.message
    assert "after: a (a/x)" not in error.message


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (119.0, "119 s"), (120.5, "3 min"), (1800.0, "30 min")]
)
def test_a_time_to_wait_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


def test_the_error_says_when_the_first_is_back_of_those_that_are_used_up(health: Health) -> None:
    async def run() -> RequestError:
        searching = Search(health, [A, A2])
        for rest in (1800.0, 600.0):
            chosen = await searching.next()
            assert chosen
            used_up = fault("credential", status=429, rest=rest)
            chosen[1].failed(used_up)
            searching.failed(chosen[0], used_up)
        return combined(searching, [])

    assert 600 <= int(asyncio.run(run()).headers["retry-after"]) <= 660


def test_an_open_breaker_is_told_as_overload(health: Health) -> None:
    for _ in range(4):
        for each in (A, B):
            health.enter(each).failed(DEAD)
    error = combined(Search(health, [A, B]), [])
    assert (error.status, error.code, error.headers["retry-after"]) == (503, "overloaded", "30")


def test_who_has_no_word_for_it_is_asked_with_no_other_key(health: Health) -> None:
    assert order(health, [A, A2, B], fault("request", unable=True)) == [A, B]


def test_once_one_saw_no_images_those_that_see_none_either_are_not_asked(health: Health) -> None:
    blind, unknown = trying("c/blind", images=False), trying("c/unknown")
    assert order(health, [A, A2, blind, unknown], fault("request", seeing=True)) == [A, unknown]
