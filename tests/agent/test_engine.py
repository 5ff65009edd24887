"""Starting what waits, and setting right what the dead left. More, with real deaths, in test_faults.py."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.model import DONE, Model
from idetour.agent import engine, tree
from idetour.agent.engine import MACHINE, Engine
from idetour.agent.layout import Layout
from idetour.agent.store import Order, Spec, Store

DEAD = f"{MACHINE}:{1 << 22}:a start of long ago/0"


@pytest.fixture
def store(layout: Layout) -> Iterator[Store]:
    with closing(layout.store()) as store:
        yield store


@pytest.fixture
def spec(models: Callable[..., Model], config: Callable[..., Path], work: Path) -> Spec:
    return Spec(task="x", working_dir=str(work), config_file=str(config(models([DONE]))), route="direct")


def status(store: Store, id: str = "t") -> str:
    task = store.task(id)
    return task.status if task else "gone"


def test_a_task_is_started_and_its_process_waited_for(store: Store, layout: Layout, spec: Spec) -> None:
    store.submit(Order(id="t", spec=spec), most=9)
    made = Engine(store, layout, limit=1)
    until = time.monotonic() + 20
    while status(store) != "completed" and time.monotonic() < until:
        made.turn()
        time.sleep(0.02)

    assert status(store) == "completed"
    while made._children and time.monotonic() < until:
        made.turn()
    assert made._children == {}


def test_a_task_of_an_engine_that_died_before_it_began_is_started_anew(
    store: Store, layout: Layout, spec: Spec
) -> None:
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(DEAD, limit=1)
    Engine(store, layout, limit=1, only="another")._care()

    assert status(store) == "queued"


def test_a_claim_of_which_the_engine_never_heard_is_given_back(
    store: Store, layout: Layout, spec: Spec
) -> None:
    """The database went away between the commit and its answer, for longer than anybody waits."""
    made = Engine(store, layout, limit=1, only="another")
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(made.owner, limit=1)
    made._care()

    assert status(store) == "queued"


def test_one_that_was_to_be_stopped_is_cancelled_instead(store: Store, layout: Layout, spec: Spec) -> None:
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(DEAD, limit=1)
    store.cancel("t")
    Engine(store, layout, limit=1, only="another")._care()

    assert status(store) == "cancelled"


def test_a_task_whose_supervisor_is_another_process_by_now_is_lost(
    store: Store, layout: Layout, spec: Spec
) -> None:
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(DEAD, limit=1)
    store.begin("t", DEAD, pid=os.getpid(), born="another start")
    Engine(store, layout, limit=1)._care()

    assert status(store) == "lost"
    assert [event.type for event in store.events("t")] == ["queued", "error", "end"]


def test_a_task_that_another_engine_of_this_process_has_just_claimed_is_left_to_it(
    store: Store, layout: Layout, spec: Spec
) -> None:
    one, other = (Engine(store, layout, limit=1) for _ in range(2))
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(one.owner, limit=1)
    other._care()

    assert status(store) == "starting"


def test_a_task_of_another_machine_is_left_to_it(store: Store, layout: Layout, spec: Spec) -> None:
    owner = "elsewhere:1:x"
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(owner, limit=1)
    store.begin("t", owner, pid=1, born="x")
    Engine(store, layout, limit=1)._care()

    assert status(store) == "running"


def test_a_task_that_runs_is_left_alone(store: Store, layout: Layout, spec: Spec) -> None:
    store.submit(Order(id="t", spec=spec), most=9)
    store.claim(DEAD, limit=1)
    store.begin("t", DEAD, pid=os.getpid(), born=tree.identity(os.getpid()) or "")
    Engine(store, layout, limit=1)._care()

    assert status(store) == "running"


def test_old_tasks_are_removed_with_their_files(store: Store, layout: Layout, spec: Spec) -> None:
    store.submit(Order(id="t", spec=spec), most=9)
    store.submit(Order(id="live", spec=spec), most=9)
    store.finish("t", [], status="completed")
    layout.run("t").folder.mkdir(parents=True)
    Engine(store, layout, limit=1, days=-1).tidy()

    assert (status(store), status(store, "live")) == ("gone", "queued")
    assert not layout.run("t").folder.exists()


def test_files_of_tasks_that_another_machine_forgot_are_removed(
    store: Store, layout: Layout, spec: Spec
) -> None:
    store.submit(Order(id="known", spec=spec), most=9)
    for id in ("known", "forgotten", "fresh"):
        layout.run(id).folder.mkdir(parents=True)
        os.utime(layout.run(id).folder, (0, 0) if id != "fresh" else None)
    Engine(store, layout, limit=1).tidy()

    assert sorted(path.name for path in (layout.folder / "runs").iterdir()) == ["fresh", "known"]


def test_stopping_what_is_not_there_is_no_error(store: Store) -> None:
    assert engine.stop(store, "none") is None
