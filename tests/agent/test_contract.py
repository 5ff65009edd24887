"""What Trae Agent does, faults included: all that the code beside relies on, as one list.

Always asked of the stand-in, so that it stays honest; of the real one too where `TRAE_AGENT_PYTHON` names it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.conftest import REAL
from agent.model import DONE, Model, bash, create

TOP = "task start_time end_time provider model max_steps llm_interactions agent_steps success final_result execution_time"
INTERACTION = "timestamp provider model input_messages response tools_available"
STEP = "step_number timestamp state llm_messages llm_response tool_calls tool_results reflection error"


@pytest.fixture(
    params=[
        "standin",
        pytest.param(
            "real", marks=pytest.mark.skipif(not REAL, reason="TRAE_AGENT_PYTHON names no Trae Agent")
        ),
    ]
)
def cli(request: pytest.FixtureRequest, standin: Path) -> str:
    python = standin if request.param == "standin" else Path(str(REAL))
    return str(python.with_name("trae-cli"))


def run(
    cli: str, *words: str, cwd: Path | None = None, environment: Mapping[str, str] = {}
) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "NO_COLOR": "1", **environment}
    command = [cli, "run", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd, env=env, check=False)


def carried_out(
    cli: str, config: Path, work: Path, *words: str, **environment: str
) -> tuple[int, dict[str, Any]]:
    """The exit code and the trajectory of a run."""
    path = work.parent / "t.json"
    where = ("--config-file", str(config), "--working-dir", str(work), "--trajectory-file", str(path))
    done = run(cli, "do it", *where, *words, environment=environment)
    return done.returncode, json.loads(path.read_text())


@pytest.mark.parametrize(
    ("provider", "path"), [("openai", "/v1/responses"), ("openrouter", "/v1/chat/completions")]
)
def test_a_success_has_this_shape(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path, provider: str, path: str
) -> None:
    model = models([create(str(work / "hello.py"))], [bash("true")], [DONE])
    code, found = carried_out(cli, config(model, provider=provider), work)

    assert (code, found["success"], bool(found["end_time"])) == (0, True, True)
    assert set(found) == set(TOP.split())
    assert [set(each) for each in found["llm_interactions"]] == [set(INTERACTION.split())] * 3
    assert [set(each) for each in found["agent_steps"]] == [set(STEP.split())] * 3
    assert {each["state"] for each in found["agent_steps"]} == {"completed"}
    assert found["agent_steps"][-1]["tool_calls"] is None
    assert found["agent_steps"][-1]["llm_response"]["tool_calls"][0]["name"] == "task_done"
    assert [request["path"] for request in model.requests] == [path] * 3
    assert not any("stream" in request for request in model.requests)
    assert (work / "hello.py").exists()


def test_a_failure_exits_with_zero(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    code, found = carried_out(cli, config(models("", status=400)), work)

    assert (code, found["success"], bool(found["end_time"])) == (0, False, True)
    assert found["agent_steps"][-1]["state"] == "completed"
    assert "400" in found["agent_steps"][-1]["error"]


def test_too_many_steps_exit_with_zero(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    code, found = carried_out(cli, config(models("I think …")), work, "--max-steps", "2")

    assert (code, found["success"], len(found["agent_steps"])) == (0, False, 2)
    assert "maximum steps" in found["final_result"]


def test_calls_beside_the_end_are_dropped(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    _, found = carried_out(cli, config(models([bash("touch dropped"), DONE])), work)

    assert (found["success"], (work / "dropped").exists()) == (True, False)


def test_text_like_markup_kills_it(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    code, found = carried_out(cli, config(models([bash("printf '[/red] [/INST]'")], [DONE])), work)

    assert (code, found["success"], found["end_time"]) == (1, False, "")


def test_new_files_are_no_patch(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    model = models([create(str(work / "new.py"))], [DONE])
    patch = work.parent / "p.diff"
    words = ("--must-patch", "--patch-path", str(patch), "--max-steps", "3")
    _, found = carried_out(cli, config(model), work, *words)

    assert (found["success"], patch.read_text()) == (False, "")


def test_the_environment_wins_over_the_file(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    model = models([DONE])
    variables = {"OPENROUTER_BASE_URL": model.url, "OPENROUTER_API_KEY": "sk-env"}
    carried_out(cli, config("http://127.0.0.1:9/v1"), work, **variables)

    assert [request["key"] for request in model.requests] == ["sk-env"]


def test_it_exits_so_when_it_is_called_wrongly(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    file = str(config(models([DONE])))
    calls = {
        ("x", "--config-file", "nope.yaml"): 1,
        ("--config-file", file): 1,
        ("x", "-f", file, "--config-file", file): 1,
        ("x", "--bogus"): 2,
        ("x", "--agent-type", "other"): 2,
    }

    assert {words: run(cli, *words, cwd=work).returncode for words in calls} == calls


def test_the_trajectory_is_rewritten_in_place_and_a_signal_leaves_it_open(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path, tmp_path: Path
) -> None:
    model, path = models([bash("sleep 0.1")]), tmp_path / "t.json"
    where = ("--config-file", str(config(model)), "--working-dir", str(work), "--trajectory-file", str(path))
    with subprocess.Popen(
        [cli, "run", "x", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        inodes, until = set(), time.monotonic() + 30
        while time.monotonic() < until and len(steps(path)) < 2:
            if path.exists():
                inodes.add(path.stat().st_ino)
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)

    assert process.returncode == -signal.SIGTERM
    assert (len(inodes), json.loads(path.read_text())["end_time"]) == (1, "")


def steps(path: Path) -> list[Any]:
    try:
        return list(json.loads(path.read_text())["agent_steps"])
    except (OSError, ValueError):
        return []


def test_its_shell_has_a_session_of_its_own(
    cli: str, models: Callable[..., Model], config: Callable[..., Path], work: Path
) -> None:
    command = f"{sys.executable} -c 'import os; print(os.getsid(0), os.getsid(os.getppid()))' > sid.txt; true"
    carried_out(cli, config(models([bash(command)], [DONE])), work)

    assert int((work / "sid.txt").read_text().split()[0]) != os.getsid(0)
