"""One task from its start to its end without the driver, and what the supervisor makes of odd ones. More: test_tasks.py."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.model import DONE, bash, create
from agent.serving import Server
from idetour.agent.child import Signals
from idetour.agent.layout import Layout
from idetour.agent.sqlite import Sqlite
from idetour.agent.store import Order, Spec
from idetour.agent.supervisor import Supervisor

type Serve = Callable[..., Server]


@pytest.mark.usefixtures("by_cli")
def test_without_the_driver_the_trajectory_is_followed(serve: Serve, work: Path) -> None:
    server = serve([create(str(work / "a"))], [bash("sleep 0.3; echo hi")], [DONE])
    id = server.submit("-- a task that looks like an option")
    events = [*server.events(id)]
    steps = ["step.started", "llm.response", "tool.calls", "tool.results", "step.completed"]

    assert [event["type"] for event in events] == [
        *("queued", "start"),
        *(steps * 2),
        *("step.started", "llm.response", "step.completed", "complete", "end"),
    ]
    assert events[1]["runner"] == "cli"
    assert events[-2]["usage"]["agent"]["requests"] == 3


@pytest.mark.usefixtures("by_cli")
def test_what_kills_the_command_is_named_from_its_console(serve: Serve) -> None:
    task = serve([bash("printf '[/red]'")], [DONE]).done()

    assert task["status"] == "failed"
    assert "rich.errors.MarkupError" in task["error"]


@pytest.mark.usefixtures("by_cli")
def test_calls_that_the_command_drops_are_told(serve: Serve) -> None:
    server = serve([bash("true"), DONE])
    id = server.submit()
    warnings = [event["message"] for event in server.events(id) if event["type"] == "warning"]

    assert warnings == ["trae-cli dropped calls made together with task_done: bash."]


@pytest.mark.usefixtures("by_cli")
def test_a_change_is_asked_for_by_us_where_the_command_cannot_see_it(serve: Serve, work: Path) -> None:
    assert serve([create(str(work / "new"))], [DONE]).done(must_patch=True)["status"] == "completed"
    task = serve([DONE]).done(must_patch=True)
    assert task["error"] == "The agent says that it is done, but it changed nothing."


def test_a_driver_that_does_not_fit_gives_way_to_the_command(
    serve: Serve, standin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter that was fit when it was asked, and is not any more."""
    server = serve([DONE])
    server.get("/api/health")
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\n[ "$3" = --describe ] && exec {standin} "$@"\nexec python3 "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("TRAE_AGENT_PYTHON", str(wrapper))
    monkeypatch.setenv("TRAE_CLI", str(standin.with_name("trae-cli")))
    id = server.submit()
    events = [*server.events(id)]

    assert [event["runner"] for event in events if event["type"] == "start"] == ["driver", "cli"]
    assert "does not fit" in next(event["message"] for event in events if event["type"] == "warning")
    assert events[-1]["status"] == "completed"


def test_an_agent_that_dies_is_a_failure_with_a_reason(serve: Serve) -> None:
    task = serve([bash("kill -9 $PPID; sleep 5")]).done()

    assert (task["status"], task["error"]) == (
        "failed",
        "The agent ended by signal 9 (Killed; perhaps the machine had no memory left) before its task was done.",
    )


def test_an_agent_that_cannot_be_started_is_said_so(serve: Serve, work: Path) -> None:
    work.chmod(0o000)
    server = serve([DONE])
    work.rmdir()
    work.touch()
    answer = server.ask("POST", "/api/run", {"task": "x", "working_dir": str(work)})

    assert answer.status_code == 400


def test_a_model_that_fails_is_the_reason(serve: Serve) -> None:
    assert "the model says 400" in serve([DONE], status=400).done()["error"]


def test_where_nothing_can_be_written_live_output_is_dropped_first(layout: Layout, work: Path) -> None:
    """A database that is full, as SQLite says it itself."""
    with closing(Sqlite(layout.folder / "tasks.sqlite")) as store, closing(Signals()) as signals:
        task = store.submit(Order(id="t", spec=Spec(task="x", working_dir=str(work))), most=1)
        supervisor = Supervisor(store, task, layout.run("t"), signals)
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        supervisor.tell([("llm.delta", {"step": 1, "text": "x" * 100_000})])
        supervisor.tell([("log", {"message": "x" * 100_000})])
        store._db.execute("PRAGMA max_page_count = 1000000")
        supervisor.tell([("llm.response", {"step": 1})])

        assert [event.type for event in store.events("t")] == ["queued", "log", "llm.response"]
