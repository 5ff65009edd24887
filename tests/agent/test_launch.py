"""What is there before an agent starts."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.agent.launch import prepared
from idetour.agent.layout import Layout, Run
from idetour.agent.limits import BOUND
from idetour.agent.runner import Runner
from idetour.agent.store import Spec, Task
from idetour.errors import SetupError

RUNNER = Runner(python="/py", cli="/cli")


@pytest.fixture
def task(config: Callable[..., Path], work: Path) -> Task:
    spec = Spec(
        task="-f odd\n", working_dir=str(work), config_file=str(config("http://127.0.0.1:9")), max_steps=4
    )
    return Task(id="t", status="starting", spec=spec, created=time.time())


@pytest.fixture
def run(layout: Layout) -> Run:
    run = layout.run("t")
    run.folder.mkdir(parents=True)
    return run


def never() -> bool:
    return False


def test_the_drivers_command_names_files_and_no_secret(task: Task, run: Run) -> None:
    launch = prepared(task, run, RUNNER, gateway=None, stopped=never)
    *python, driver, spec = launch.command

    assert python[-2:] == ["/py", "-I"]
    assert python[3] == str(BOUND)
    assert Path(driver).read_text().startswith('"""Runs one task inside')
    asked = json.loads(Path(spec).read_text())
    assert (asked["task"], asked["provider"], asked["max_steps"]) == ("-f odd\n", "p", 4)
    assert "sk-of-the-user" not in " ".join(launch.command)
    assert launch.environment["HOME"].startswith(str(run.folder))


def test_the_command_line_takes_the_task_from_a_file(task: Task, run: Run) -> None:
    launch = prepared(task, run, RUNNER, gateway=None, stopped=never).by_cli()
    words = launch.command[launch.command.index("/cli") :]

    assert words[:2] == ["/cli", "run"]
    assert Path(words[words.index("--file") + 1]).read_text() == "-f odd\n"
    assert words[words.index("--trajectory-file") + 1] == str(run.box / "trajectory.json")
    assert "--must-patch" not in words


def test_without_git_there_is_a_run_and_a_note(task: Task, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    launch = prepared(task, run, RUNNER, gateway=None, stopped=never)

    assert launch.shadow is None
    assert launch.told["notes"][-1] == "There will be no patch: git is not on this machine."


def test_what_fails_leaves_no_box_behind(task: Task, run: Run) -> None:
    Path(str(task.spec.config_file)).write_text("a: [")
    with pytest.raises(SetupError):
        prepared(task, run, RUNNER, gateway=None, stopped=never)

    assert not run.box.exists()


def test_nothing_to_run_it_with_is_said_so(task: Task, run: Run) -> None:
    with pytest.raises(SetupError, match="agent doctor"):
        prepared(task, run, Runner(found="no trae-cli on the PATH"), gateway=None, stopped=never)
