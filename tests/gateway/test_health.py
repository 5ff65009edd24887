"""What one failure means for others: the scope decides."""

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.trying import BROKEN, BUSY, DEAD, RATE, REFUSED, Clock, fault, trying
from idetour.errors import UpstreamError
from idetour.gateway import health as module
from idetour.gateway.breaker import IN_A_ROW, OPEN_SECONDS
from idetour.gateway.faults import Fault, of_credential
from idetour.gateway.health import Health, Rests
from idetour.gateway.lasting import Lasting
from idetour.gateway.tries import Try
from idetour.profile.credential import Key
from idetour.secret import Secret

FIRST = trying("a/x", "one")
OTHERS = {
    "the same": FIRST,
    "another key": trying("a/x", "two"),
    "another model": trying("a/y", "one"),
    "both another": trying("a/y", "two"),
    "another upstream": trying("b/x", "one"),
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock=clock)


def fails(health: Health, each: Try, *faults: Fault) -> None:
    for one in faults:
        health.enter(each).failed(one)


def free(health: Health, each: Try) -> bool:
    return health.place(each).free(health.clock()) <= health.clock()


@pytest.mark.parametrize(
    ("faults", "affected"),
    [
        ([fault("request", status=400)] * 9, []),
        ([RATE], ["the same"]),
        ([REFUSED], ["the same", "another model"]),
        ([BUSY], ["the same", "another key"]),
        ([BROKEN] * (IN_A_ROW - 1), []),
        ([BROKEN] * IN_A_ROW, ["the same", "another key"]),
        ([DEAD] * IN_A_ROW, ["the same", "another key", "another model", "both another"]),
    ],
    ids=["request", "429", "401", "busy", "three failures", "four failures", "dead"],
)
def test_the_scope_of_a_fault_says_who_is_left_alone(
    health: Health, faults: list[Fault], affected: list[str]
) -> None:
    fails(health, FIRST, *faults)
    assert [name for name, each in OTHERS.items() if not free(health, each)] == affected


def test_the_first_who_is_free_is_asked(health: Health, clock: Clock) -> None:
    tries = [*OTHERS.values()]
    assert health.best(tries, clock.now, None) == (FIRST, -float("inf"))
    fails(health, FIRST, RATE)
    assert health.best(tries, clock.now, None)[0] is tries[1]


def test_if_nobody_is_free_it_is_the_one_who_recovers_first(health: Health, clock: Clock) -> None:
    tries = [trying("a/x"), trying("b/x"), trying("c/x")]
    for each, seconds in zip(tries, (60.0, 20.0, 40.0), strict=True):
        fails(health, each, fault("credential×model", status=429, rest=seconds))
    best, at = health.best(tries, clock.now, None)
    assert best is tries[1]
    assert 20 <= at - clock.now <= 22


def test_an_answer_ends_the_rest_and_closes_the_breaker(health: Health, clock: Clock) -> None:
    fails(health, FIRST, *[BROKEN] * IN_A_ROW)
    clock.now += OPEN_SECONDS
    assert free(health, FIRST)
    permit = health.enter(FIRST)
    assert not free(health, FIRST)  # one request tries it for all
    permit.answered(first_byte=True)
    permit.left()
    assert free(health, FIRST)


def test_who_leaves_while_he_tries_it_for_all_lets_another_try(health: Health, clock: Clock) -> None:
    fails(health, FIRST, *[DEAD] * IN_A_ROW)
    clock.now += OPEN_SECONDS
    health.enter(FIRST).left()
    assert free(health, FIRST)


def test_any_answer_at_all_shows_that_the_endpoint_is_there(health: Health, clock: Clock) -> None:
    fails(health, FIRST, *[DEAD] * IN_A_ROW)
    clock.now += OPEN_SECONDS
    fails(health, FIRST, REFUSED)
    assert health.place(OTHERS["both another"]).endpoint.state(clock.now) == "closed"


def test_one_that_breaks_off_after_its_commit_decides_for_nobody_else(health: Health, clock: Clock) -> None:
    fails(health, FIRST, *[BROKEN] * IN_A_ROW)
    clock.now += OPEN_SECONDS
    permit = health.enter(FIRST)
    permit.answered(first_byte=True)
    permit.failed(BROKEN)
    assert free(health, FIRST)


def test_a_sole_candidate_is_asked_though_its_breaker_is_open(health: Health, clock: Clock) -> None:
    fails(health, FIRST, *[DEAD] * IN_A_ROW)
    assert health.best([FIRST], clock.now, None, sole=True)[1] <= clock.now


def test_an_exhausted_model_has_half_as_many_requests_at_a_time(health: Health, clock: Clock) -> None:
    permits = [health.enter(FIRST) for _ in range(8)]
    permits.pop().failed(BUSY)
    clock.now += 10
    assert not free(health, OTHERS["another key"])  # seven are under way, four are allowed
    for permit in permits[:4]:
        permit.left()
    assert free(health, OTHERS["another key"])


def test_an_attempt_ends_once(health: Health) -> None:
    permit = health.enter(FIRST)
    permit.failed(BROKEN)
    permit.left()
    assert health.place(FIRST).in_flight == health.place(FIRST).model.governor.in_flight == 0


def test_who_is_paced_is_asked_in_turn_and_not_passed_over_for_a_moment(health: Health, clock: Clock) -> None:
    paced, other = trying("p/x", "one", pace=3), trying("o/x")
    health.enter(paced)
    best, at = health.best([paced, other], clock.now, None)
    assert best is paced
    assert 0 < at - clock.now < module.SOON_SECONDS
    for _ in range(2):
        health.enter(paced)
    assert health.best([paced, other], clock.now, None)[0] is other


def test_a_pace_that_is_changed_counts_at_once(health: Health, clock: Clock) -> None:
    for limit, left in ((1, 0), (3, 2), (None, None)):
        again = trying("p/x", "one", pace=limit)
        if limit == 1:
            health.enter(again)
        assert free(health, again) == (left != 0)
        assert health.snapshot()[0].pace == left
        clock.now += 1


def test_a_turn_that_is_given_back_is_free_again(health: Health, clock: Clock) -> None:
    paced = trying("p/x", "one", pace=1)
    turn = health.place(paced).turn(clock.now)
    assert not free(health, paced)
    turn.give_back()
    assert free(health, paced)


def test_the_snapshot_tells_state_reason_and_figures(health: Health, clock: Clock) -> None:
    permit = health.enter(FIRST)
    clock.now += 0.25
    permit.answered(first_byte=True)
    permit.left()
    fails(health, OTHERS["another key"], RATE)
    fails(health, OTHERS["another upstream"], *[DEAD] * IN_A_ROW)
    health.enter(trying("p/x", "one", pace=35))
    told = {f"{each.target} {each.key}": each for each in health.snapshot()}
    well, cooling, dead, paced = told.values()
    assert (well.state, well.left, well.first_byte, well.in_flight) == ("healthy", None, 0.25, 0)
    assert (cooling.state, cooling.why) == ("cooling", "HTTP 429")
    assert 2 <= (cooling.left or 0) <= 2.2
    assert (dead.state, dead.left) == ("open", OPEN_SECONDS)
    assert (paced.pace, paced.in_flight, paced.limit) == (34, 1, None)
    assert list(told)[:2] == ["a/x …-one", "a/x …-two"]


def test_clear_asks_a_target_as_if_nothing_had_happened(health: Health) -> None:
    for one in (RATE, REFUSED, BUSY, *[DEAD] * IN_A_ROW):
        fails(health, FIRST, one)
    fails(health, OTHERS["another upstream"], RATE)
    assert list(map(str, health.clear("a/x"))) == ["a/x"]
    assert free(health, FIRST)
    assert not free(health, OTHERS["another upstream"])
    assert health.clear("nobody/knows") == []


def test_clear_takes_a_whole_upstream(health: Health) -> None:
    for name in ("the same", "another model"):
        fails(health, OTHERS[name], RATE)
    assert list(map(str, health.clear("a"))) == ["a/x", "a/y"]
    assert all(free(health, each) for each in OTHERS.values())


def test_long_rests_survive_a_restart_and_short_ones_do_not(tmp_path: Path) -> None:
    path = tmp_path / "rests.sqlite"
    before = Health(Lasting(path), Clock())
    key = Secret("sk-canary-0123456789-abcdefghij")
    kept = Key(id=before.identify(key), value=key)
    long, short = (Try(each.candidate, kept) for each in (trying("a/x"), trying("b/x")))
    fails(before, long, REFUSED)
    fails(before, short, RATE)
    before.lasting.close()
    after = Health(Lasting(path), Clock(5.0))
    assert after.identify(key) == before.identify(key)
    assert 1700 < after.place(long).free(5.0) - 5.0 <= 1980
    assert free(after, short)
    after.lasting.close()
    assert b"canary" not in b"".join(each.read_bytes() for each in tmp_path.iterdir())


def test_what_is_over_is_not_remembered(tmp_path: Path) -> None:
    first = Health(Lasting(tmp_path / "rests.sqlite"), clock := Clock())
    fails(first, FIRST, REFUSED)
    clock.now += 1
    first.enter(FIRST).answered(first_byte=False)
    first.lasting.close()
    with closing(Lasting(tmp_path / "rests.sqlite")) as kept:
        assert kept.rows == {}


def test_what_was_cleared_is_not_remembered_either(tmp_path: Path) -> None:
    first = Health(Lasting(tmp_path / "rests.sqlite"), Clock())
    fails(first, FIRST, REFUSED)
    first.lasting.close()
    second = Health(Lasting(tmp_path / "rests.sqlite"), Clock())
    assert second.clear("a") == []  # it was not considered since the start, and is cleared all the same
    second.lasting.close()
    with closing(Lasting(tmp_path / "rests.sqlite")) as kept:
        assert kept.rows == {}


def test_another_salt_makes_another_identity() -> None:
    key = Secret("sk-1")
    assert Health().identify(key) != Health().identify(key)


def test_who_waits_is_told_of_a_change(health: Health) -> None:
    async def run() -> float:
        permit, began = health.enter(FIRST), time.monotonic()
        waiting = asyncio.create_task(health.change(5))
        await asyncio.sleep(0)
        permit.left()
        await waiting
        await health.change(0.01)
        return time.monotonic() - began

    assert asyncio.run(run()) < 2
    assert not health._waiting


def test_places_are_kept_in_a_bounded_number(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PLACES", 10)
    permit = health.enter(FIRST)
    for number in range(50):
        health.place(trying("a/x", f"key-{number}"))
    assert len(health.snapshot()) == 10
    assert health.place(FIRST) is permit.place
    assert len(health._credentials) == 10


def test_a_credential_that_is_another_than_before_is_asked_at_once(health: Health) -> None:
    for each in OTHERS.values():
        fails(health, each, REFUSED)
    health.forgive("one")
    assert [name for name, each in OTHERS.items() if free(health, each)] == [
        "the same",
        "another model",
        "another upstream",
    ]


def test_how_a_credential_fares_and_how_often_it_is_asked_just_now(health: Health) -> None:
    assert health.rests("one") == Rests(None, "", 0)
    health.enter(FIRST).left()
    health.enter(FIRST)
    fails(health, OTHERS["another model"], REFUSED)
    left, why, under_way = health.rests("one")
    assert left is not None
    assert 1800 <= left <= 1980
    assert (why, under_way) == ("HTTP 401", 1)


def test_a_login_that_cannot_be_renewed_says_nothing_of_the_endpoint(health: Health) -> None:
    fails(health, FIRST, *[DEAD] * (IN_A_ROW - 1))
    fails(health, FIRST, of_credential(UpstreamError("the login server is away", status=503)))
    fails(health, FIRST, DEAD)
    assert not free(health, OTHERS["another key"])
