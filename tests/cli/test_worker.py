"""`idetour agent worker`, called wrongly. With a database it is tested in tests/agent/test_cluster.py."""

from pathlib import Path

import pytest

from agent.conftest import installed, standin, work
from cli.test_agent import agent

__all__ = ["installed", "standin", "work"]  # fixtures

NOBODY = "postgresql://me:hunter2@127.0.0.1:1/tasks"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name the database"),
        (("--store", "mysql://x"), "begins with postgresql://"),
        (("--store", NOBODY), "The database of tasks cannot be used"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(home: Path, words: tuple[str, ...], said: str) -> None:
    done = agent("worker", *words)

    assert done.returncode != 0
    assert said in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_server_without_its_database_does_not_start(home: Path, work: Path) -> None:
    done = agent("serve", "--root", str(work), IDETOUR_AGENT_STORE=NOBODY)

    assert (done.returncode != 0, "cannot be used" in done.stderr) == (True, True)


def test_a_worker_needs_an_agent(home: Path) -> None:
    done = agent("worker", "--store", NOBODY, TRAE_AGENT_PYTHON="/no/such/python", PATH="/nowhere")

    assert "Trae Agent was not found" in done.stderr
