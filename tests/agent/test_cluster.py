"""Several machines on one database: who works where, who dies, and that clients are told the truth all the same."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from agent.database import Database
from agent.model import DONE, bash
from agent.serving import Server
from conftest import ADDONS
from idetour.agent import engine, tree
from idetour.agent.engine import Engine
from idetour.agent.layout import DATABASE, Layout, ours
from idetour.agent.postgres import opened
from idetour.agent.store import Order, Spec, Store
from idetour.secret import Secret
from upstream import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="machines are namespaces of Linux here")
HOSTS = pytest.mark.skipif(os.geteuid() != 0, reason="gives a process another host name, so needs root")


class Worker:
    """`idetour agent worker` on a machine of that name, with a home of its own."""

    def __init__(self, url: str, machine: str, home: Path) -> None:
        run = f"hostname {machine}; exec {sys.executable} -m idetour agent worker --limit 1"
        self.process = subprocess.Popen(
            ["unshare", "--uts", "sh", "-c", run],
            env={**os.environ, "PYTHONPATH": str(ADDONS), DATABASE: url, "IDETOUR_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def url(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    found = postgres.fresh()
    monkeypatch.setenv(DATABASE, found)
    return found


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with closing(opened(Secret(url))) as store:
        yield store


@pytest.fixture
def workers(url: str, tmp_path: Path) -> Iterator[Callable[..., list[Worker]]]:
    with ExitStack() as stack:
        yield lambda *names: [stack.enter_context(Worker(url, name, tmp_path / name)) for name in names]


def statuses(store: Store, ids: str) -> list[str]:
    return [task.status for id in ids if (task := store.task(id))]


def order(id: str, folder: str = "/w") -> Order:
    return Order(id=id, spec=Spec(task="x", working_dir=folder))


@HOSTS
def test_two_machines_share_the_work_and_never_a_directory(
    serve: Callable[..., Server], workers: Callable[..., list[Worker]], work: Path, store: Store
) -> None:
    server = serve([bash("echo said; echo new > new.txt; sleep 0.5")], [DONE], works=False)
    folders = [work / "a", work / "b", work / "a"]
    ids = [server.submit(working_dir=str(folder)) for folder in folders]
    workers("host-a", "host-b")
    ended = [server.wait(id, within=60) for id in ids]
    owners = {str(task.owner).partition(":")[0] for id in ids if (task := store.task(id))}

    assert [task["status"] for task in ended] == ["completed"] * 3
    assert owners == {"host-a", "host-b"}
    assert ended[2]["started"] >= ended[0]["finished"]
    assert "+new" in server.ask("GET", f"/api/tasks/{ids[0]}/patch").text  # made on another machine
    assert server.ask("GET", f"/api/tasks/{ids[0]}/trajectory").json()["success"]
    assert [event["seq"] for event in server.events(ids[0])] == [*range(1, ended[0]["events"] + 1)]


@HOSTS
def test_a_task_of_another_machine_is_stopped(
    serve: Callable[..., Server], workers: Callable[..., list[Worker]], work: Path
) -> None:
    server = serve([bash("touch ready; sleep 60")], works=False)
    id = server.submit()
    workers("host-a")
    assert until((work / "ready").exists, within=40)

    assert server.ask("POST", f"/api/tasks/{id}/stop").json()["message"] == "Task stopped successfully"


@HOSTS
def test_a_worker_that_is_killed_takes_no_task_along(
    serve: Callable[..., Server], workers: Callable[..., list[Worker]], work: Path
) -> None:
    server = serve([bash("touch ready; sleep 1; touch end")], [DONE], works=False)
    id = server.submit()
    (worker,) = workers("host-a")
    assert until((work / "ready").exists, within=40)
    worker.process.kill()
    worker.process.wait()

    assert server.wait(id)["status"] == "completed"
    assert (work / "end").exists()


def test_a_supervisor_elsewhere_that_falls_silent_is_lost(
    store: Store, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SILENT_SECONDS", 0.2)
    store.submit(order("a"), most=9)
    store.submit(order("b", "/x"), most=9)
    owner = "gone:1:x/0"
    for _ in range(2):
        store.claim(owner, limit=9)
    store.begin("a", owner, pid=1, born="x")
    made = Engine(store, layout, limit=0)
    made._care()
    before = statuses(store, "ab")
    time.sleep(0.3)
    made._care()
    after = statuses(store, "ab")

    assert (before, after) == (["running", "starting"], ["lost", "queued"])
    assert [event.type for event in store.events("a")][-2:] == ["error", "end"]
    assert not store.finish("a", [("end", {})], status="completed")


def test_a_supervisor_is_not_called_silent_while_nobody_could_be_heard(
    url: str, layout: Layout, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.agent.postgres.WAIT_SECONDS", 1.0)
    monkeypatch.setattr(engine, "CARE_SECONDS", 0.0)
    with closing(opened(Secret(url))) as store:
        store.submit(order("a"), most=9)
        store.claim("far:1:x/0", limit=9)
        store.begin("a", "far:1:x/0", pid=1, born="x")
        store._changed("UPDATE tasks SET seen = seen - interval '1 min'")
        made = Engine(store, layout, limit=0)
        made._answers_since -= 60
        postgres.stop()
        made.turn()
        postgres.start()
        made.turn()

        assert ([task.id for task in store.silent(30)], statuses(store, "a")) == (["a"], ["running"])


def test_a_supervisor_waits_for_a_database_that_is_away(
    serve: Callable[..., Server], url: str, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([DONE], works=False)
    id = server.submit()
    with closing(opened(Secret(url))) as store:
        made = Engine(store, ours(), limit=1)
        task = store.claim(made.owner, limit=1)
        postgres.stop()
        assert task
        made._start(task)
        time.sleep(1.5)  # it has found that there is no database
        postgres.start()

        assert server.wait(id)["status"] == "completed"
        made._children[id].wait()


def test_what_is_stopped_elsewhere_is_told_to_its_supervisor(store: Store, layout: Layout) -> None:
    made = Engine(store, layout, limit=1)
    with subprocess.Popen(["sleep", "5"]) as sleeper:
        store.submit(order("a"), most=9)
        store.claim(made.owner, limit=1)
        store.begin("a", made.owner, pid=sleeper.pid, born=tree.identity(sleeper.pid) or "")
        made.turn()
        assert sleeper.poll() is None
        with closing(opened(Secret(os.environ[DATABASE]))) as elsewhere:
            elsewhere.cancel("a")
        while sleeper.poll() is None:
            made.turn()

        assert sleeper.wait() == -signal.SIGTERM


def test_who_says_that_it_lives_is_not_lost(store: Store) -> None:
    store.submit(order("a"), most=9)
    store.claim("far:1:x/0", limit=9)
    time.sleep(0.3)
    store.beat("a")

    assert (store.silent(0.25), [task.id for task in store.silent(0)]) == ([], ["a"])


def test_a_machine_takes_no_more_than_its_own_limit(store: Store) -> None:
    for id in "abc":
        store.submit(order(id, f"/{id}"), most=9)

    assert store.claim("one:1:x", limit=9, here=1)
    assert store.claim("one:2:x", limit=9, here=1) is None
    assert store.claim("two:1:x", limit=9, here=1)
    assert store.claim("three:1:x", limit=2, here=1) is None


def test_a_database_that_is_restarted_under_load_costs_no_event(
    url: str, postgres: Database, serve: Callable[..., Server]
) -> None:
    """The server's client comes back with the number of the last event that it saw, as browsers do."""
    server = serve(*[[bash(f"echo {number}; sleep 0.15")] for number in range(8)], [DONE])
    id = server.submit()
    seen: list[dict[str, Any]] = []
    restarts = 0
    end = time.monotonic() + 60
    while (not seen or seen[-1]["type"] != "end") and time.monotonic() < end:
        with suppress(httpx2.HTTPError, AssertionError):
            for event in server.events(id, after=seen[-1]["seq"] if seen else 0):
                seen.append(event)
                if event["type"] == "step.completed" and restarts < 2 and len(seen) > 10 * (restarts + 1):
                    restarts += 1
                    postgres.stop()
                    time.sleep(0.5)
                    postgres.start()

    assert restarts == 2
    assert [event["seq"] for event in seen] == [*range(1, len(seen) + 1)]
    assert sum(event["type"] == "tool.results" for event in seen) == 8
    assert seen[-2]["type"] == "complete"
