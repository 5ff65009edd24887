"""Tasks from a terminal: `idetour agent run`, `list`, `show`, `stop`, `logs`."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from agent.conftest import config, installed, models, standin, work
from agent.model import DONE, Model, bash, create
from cli.test_agent import agent
from idetour.cli.tasks import gateway_option

__all__ = ["config", "installed", "models", "standin", "work"]  # fixtures


@pytest.fixture
def ran(home: Path, models: Callable[..., Model], config: Callable[..., Path], work: Path) -> str:
    """The id of a task that is over."""
    path = config(models([create(str(work / "new"))], [bash("echo '[/red] hi'")], [DONE]))
    done = agent(
        "run", "-f", "--gateway", "none", "--config", str(path), "--dir", str(work), "Write", "a", "file"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "→ bash {'command': \"echo '[/red] hi'\"" in done.stdout
    assert "← [/red] hi" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("completed")
    return agent("list").stdout.splitlines()[1].split()[0]


@pytest.mark.parametrize(
    ("words", "variables", "asked"),
    [
        ([], {}, "http://127.0.0.1:8080"),
        ([], {"PORT": "9911"}, "http://127.0.0.1:9911"),
        ([], {"PORT": "9911", "IDETOUR_AGENT_GATEWAY": "http://other/"}, "http://other"),
        (["--gateway", "none"], {"PORT": "x"}, "None"),
    ],
)
@pytest.mark.parametrize("kept", [False, True], ids=["environment", ".env"])
def test_the_gateway_that_is_not_named_is_where_idetour_listens(
    home: Path, words: list[str], variables: dict[str, str], asked: str, kept: bool
) -> None:
    if kept:
        home.mkdir(exist_ok=True)
        (home / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    shown = CliRunner().invoke(asking, words, env={} if kept else variables)

    assert shown.output == f"{asked}\n"


def test_a_port_that_is_none_is_said_where_it_is_needed(idetour: Callable[..., Result]) -> None:
    done = idetour("agent", "doctor", PORT="80a")

    assert done.exit_code == 1
    assert "PORT is '80a', which is no port" in done.stderr


@click.command
@gateway_option
def asking(gateway: str | None) -> None:
    click.echo(str(gateway))


def test_a_task_is_run_listed_shown_and_read(ran: str, work: Path) -> None:
    shown, logs = agent("show", ran), agent("logs", ran)

    assert "completed" in agent("list").stdout
    assert f"directory        {work}" in shown.stdout
    assert "patch.diff" in shown.stdout
    assert logs.stdout.splitlines()[-1].endswith("completed")
    assert agent("logs", "-f", ran).stdout == logs.stdout
    assert agent("stop", ran).stdout == f"{ran}  completed\n"


def test_a_task_goes_on_without_its_command_and_is_stopped_by_another(
    home: Path, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    path = config(models([bash("sleep 60")]))
    begun = agent("run", "--gateway", "none", "--config", str(path), "--dir", str(work), "wait")
    id = begun.stdout.split()[0][:8]

    assert "started" in begun.stdout
    assert agent("stop", id).stdout == f"{id}  cancelled\n"


def test_a_run_that_fails_is_an_exit_code(
    home: Path, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    path = config(models("", status=400))
    done = agent("run", "-f", "--gateway", "none", "--config", str(path), "--dir", str(work), "x")

    assert done.returncode == 1
    assert "the model says 400" in done.stdout


def test_a_directory_that_is_mistyped_is_not_made(home: Path, tmp_path: Path) -> None:
    done = agent("run", "--dir", str(tmp_path / "typo"), "x")

    assert (done.returncode, "does not exist" in done.stderr) == (2, True)
    assert not (tmp_path / "typo").exists()
