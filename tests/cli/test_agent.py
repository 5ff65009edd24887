"""`idetour agent`: the same tasks from a terminal. The server is tested in tests/agent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.conftest import installed, standin, work
from conftest import ADDONS

__all__ = ["installed", "standin", "work"]  # fixtures


def agent(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "idetour", "agent", *words],
        env={**os.environ, "PYTHONPATH": str(ADDONS), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "abcd"), "There is no task abcd"),
        (("serve", "--open", "--host", "0.0.0.0"), "anybody on the network could run commands here"),
        (("serve", "--root", "/no/such/place"), "there is no such directory"),
        (("serve", "--isolation", "jail"), "one of none, user"),
        (("serve", "--isolation", "user"), "needs"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(home: Path, words: tuple[str, ...], said: str) -> None:
    done = agent(*words)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_trae_agent_it_is_said_how_to_get_it(home: Path) -> None:
    done = agent("run", "x", TRAE_AGENT_PYTHON="/nowhere", PATH="/nowhere")

    assert "pip install ./trae-agent docker pexpect 'pydantic<2.14'" in done.stderr
    assert agent("doctor", "--gateway", "none", TRAE_AGENT_PYTHON="/nowhere", PATH="/nowhere").returncode == 1


def test_the_older_variables_are_understood(home: Path, work: Path, free_port: int) -> None:
    environment = {
        "FLASK_PORT": str(free_port),
        "FLASK_HOST": "127.0.0.1",
        "IDETOUR_AGENT_ROOTS": f"{work}:/usr",
    }
    command = [sys.executable, "-m", "idetour", "agent", "serve"]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ADDONS), **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        said: list[str] = []
        while "curl" not in "".join(said):
            said.append(process.stdout.readline())
        process.terminate()

    assert f"listening on http://127.0.0.1:{free_port}" in said[0]
    assert f"below {work}, /usr" in "".join(said)
    body = json.loads(said[-1].split("-d ")[1].strip().strip("'"))
    assert body["working_dir"] == str(work)
