"""Stores: numbers without gaps, whoever writes; limits that hold, whoever claims. Each of them, with one set of claims."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from idetour.agent.store import ACTIVE, LIVE, STATUSES, Conflict, Event, Full, Order, Spec, Store, Task
from upstream import until

type Opener = Callable[[], Store]


@pytest.fixture
def store(opener: Opener) -> Iterator[Store]:
    with closing(opener()) as store:
        yield store


def order(id: str, folder: str = "/w", **more: object) -> Order:
    return Order(id=id, spec=Spec(task="x", working_dir=folder), **more)  # type: ignore[arg-type]


def submitted(store: Store, *ids: str) -> list[Task]:
    return [store.submit(order(id, f"/w/{id}"), most=100) for id in ids]


def test_an_event_is_shown_with_its_task_and_its_number() -> None:
    event = Event(3, 1.5, "start", {"message": "go", "type": "forged"})

    assert event.shown("t") == {"message": "go", "type": "start", "task_id": "t", "timestamp": 1.5, "seq": 3}


def test_a_task_knows_how_long_it_took() -> None:
    spec = Spec(task="x", working_dir="/w")
    queued = Task(id="t", status="queued", spec=spec, created=10)
    done = Task(id="t", status="completed", spec=spec, created=10, started=20, finished=25)

    assert (queued.seconds(now=15), done.seconds(now=99)) == (5, 5)
    assert (queued.live, done.live) == (True, False)


def test_the_groups_of_statuses_are_among_all() -> None:
    assert set(ACTIVE) < set(LIVE) < set(STATUSES)


def test_a_task_comes_back_as_it_went_in(store: Store) -> None:
    (task,) = submitted(store, "a")

    assert store.task("a") == task
    assert (task.status, task.live, task.last) == ("queued", True, 1)
    assert store.task("b") is None


def test_events_are_numbered_without_gaps_by_many_writers(store: Store, opener: Opener) -> None:
    submitted(store, "a")

    def write(_: int) -> None:
        with closing(opener()) as own:
            for _ in range(20):
                own.append("a", [("one", {}), ("two", {"x": "é\udcff"})])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    assert [event.seq for event in store.events("a")] == [*range(1, 162)]
    assert store.events("a", after=159, limit=1)[0].seq == 160


def test_events_and_changes_are_written_together_or_not_at_all(store: Store) -> None:
    submitted(store, "a")
    with pytest.raises(Exception, match="no_such_column"):
        store.append("a", [("x", {})], no_such_column=1)

    assert [event.type for event in store.events("a")] == ["queued"]


def test_no_more_than_the_limit_is_claimed_by_many(store: Store, opener: Opener) -> None:
    submitted(store, *map(str, range(20)))
    barrier = threading.Barrier(8)

    def claim(number: int) -> Task | None:
        with closing(opener()) as own:
            barrier.wait()
            return own.claim(f"m:{number}:x", limit=3)

    with ThreadPoolExecutor(8) as pool:
        claimed = [task.id for task in pool.map(claim, range(8)) if task]

    assert sorted(claimed) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("/w", "/w", False),
        ("/w", "/w/a", False),
        ("/w/a", "/w", False),
        ("/w", "/wa", True),
        ("/", "/w", False),
    ],
)
def test_directories_that_overlap_are_claimed_one_after_the_other(
    store: Store, first: str, second: str, both: bool
) -> None:
    store.submit(order("a", first), most=9)
    store.submit(order("b", second), most=9)
    store.claim("m:1:x", limit=9)

    assert (store.claim("m:1:x", limit=9) is not None) == both


def test_a_task_is_begun_once_and_by_who_was_to(store: Store) -> None:
    submitted(store, "a")
    store.claim("m:1:x", limit=9)

    assert not store.begin("a", "m:2:x", pid=2, born="b")
    assert store.begin("a", "m:1:x", pid=1, born="b")
    assert not store.begin("a", "m:1:x", pid=3, born="b")
    assert not store.requeue("a", "m:1:x")


def test_a_task_that_was_given_back_is_not_begun_by_who_comes_late(store: Store) -> None:
    submitted(store, "a")
    store.claim("m:1:x", limit=9)

    assert store.requeue("a", "m:1:x")
    assert not store.begin("a", "m:1:x", pid=1, born="b")
    again = store.claim("m:2:x", limit=9)
    assert again
    assert again.owner == "m:2:x"


def test_a_task_ends_once(store: Store) -> None:
    submitted(store, "a")

    assert store.finish("a", [("end", {})], status="completed", success=True)
    assert not store.finish("a", [("end", {})], status="lost", success=False)
    task = store.task("a")
    assert task
    assert (task.status, task.success, task.live) == ("completed", True, False)
    assert store.ended_before(task.finished + 1 if task.finished else 0) == ["a"]
    assert store.ended_before(0) == []


def test_who_waits_is_cancelled_and_who_runs_is_asked_to_stop(store: Store) -> None:
    submitted(store, "a", "b")
    store.claim("m:1:x", limit=9)
    asked, cancelled = store.cancel("a"), store.cancel("b")

    assert asked
    assert cancelled
    assert (asked.status, cancelled.status) == ("cancelling", "cancelled")
    assert store.cancel("c") is None


def test_the_queue_is_as_long_as_it_may_be(store: Store) -> None:
    store.submit(order("a"), most=1)
    with pytest.raises(Full):
        store.submit(order("b"), most=1)


def test_a_key_stands_for_one_task(store: Store) -> None:
    first = store.submit(order("a", key="k", digest="d"), most=1)

    assert store.submit(order("b", key="k", digest="d"), most=1) == first
    with pytest.raises(Conflict):
        store.submit(order("c", key="k", digest="other"), most=1)


def test_what_is_deleted_is_gone_with_its_events(store: Store) -> None:
    submitted(store, "a")
    store.delete("a")

    assert (store.task("a"), store.events("a"), store.counts()) == (None, [], {})
    assert store.append("a", [("late", {})]) == 0


def test_the_version_changes_when_another_writes(store: Store, opener: Opener) -> None:
    before = store.version()
    with closing(opener()) as other:
        submitted(other, "a")

    assert until(lambda: store.version() != before)  # a database elsewhere tells it a moment later
    assert store.version() == store.version()


def test_text_that_no_database_likes_comes_back(store: Store) -> None:
    submitted(store, "a")
    store.finish("a", [("end", {"x": "nul \0"})], status="failed", error="half \ud83d, nul \0")
    task = store.task("a")

    assert store.events("a")[-1].data == {"x": "nul \0"}
    assert task
    assert str(task.error).startswith("half ?, nul ")
