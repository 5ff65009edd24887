"""The driver, in the stand-in's interpreter: what it tells, and what it mends."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.model import DONE, Model, bash, create
from idetour.agent.driver import CRASHED, FAILED, UNFIT
from idetour.agent.launch import for_driver
from idetour.agent.patch import Shadow
from idetour.agent.runner import DRIVER

type Driven = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def driven(standin: Path, config: Callable[..., Path], work: Path, tmp_path: Path) -> Driven:
    """Exit code and events of a run with a model."""

    def run(model: Model, **more: Any) -> tuple[int, list[dict[str, Any]]]:
        spec = {
            "task": "do it",
            "working_dir": str(work),
            "config_file": str(config(model)),
            "provider": "p",
            "model": None,
            "max_steps": 5,
            "must_patch": False,
            "trajectory_file": str(tmp_path / "t.json"),
            "longest": 100,
            "shadow": None,
            **more,
        }
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        read, write = os.pipe()
        with os.fdopen(read, "rb") as events:
            command = [str(standin), "-I", str(DRIVER), str(tmp_path / "spec.json")]
            env = {**os.environ, "IDETOUR_EVENTS": str(write)}
            process = subprocess.Popen(command, env=env, pass_fds=[write], stdout=subprocess.DEVNULL)
            os.close(write)
            said = [json.loads(line) for line in events]
            return process.wait(), said

    return run


def types(said: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in said]


def test_each_thing_that_happens_is_told_once(driven: Driven, models: Callable[..., Model]) -> None:
    code, said = driven(models([bash("echo hi")], [DONE]))

    assert code == 0
    assert types(said) == [
        *("step.started", "llm.response", "tool.calls", "tool.results", "step.completed"),
        *("step.started", "llm.response", "step.completed", "agent.finished"),
    ]
    assert said[1]["usage"]["input_tokens"] == 100
    assert said[3]["tool_results"][0]["result"] == "hi"
    assert said[-1] | {"at": 0} == {
        "type": "agent.finished",
        "at": 0,
        "success": True,
        "result": "working on it",
        "error": None,
    }


def test_long_texts_are_cut(driven: Driven, models: Callable[..., Model]) -> None:
    _, said = driven(models([bash("printf %0500d 0")], [DONE]))

    assert said[3]["tool_results"][0]["result"] == "0" * 100 + "… (400 more characters: see the trajectory)"


def test_a_failure_is_told(driven: Driven, models: Callable[..., Model]) -> None:
    code, said = driven(models("I think …"), max_steps=2)
    assert (code, said[-1]["success"]) == (FAILED, False)
    assert "maximum steps" in said[-1]["result"]

    code, said = driven(models("", status=500))
    assert "500" in said[-1]["error"]


def test_an_exception_is_told(driven: Driven, models: Callable[..., Model]) -> None:
    code, said = driven(models([DONE]), provider="nobody")

    assert code == CRASHED
    assert said[-1]["error"].startswith("ConfigError: ")


def test_calls_beside_the_end_are_carried_out(
    driven: Driven, models: Callable[..., Model], work: Path
) -> None:
    code, said = driven(models([bash("touch last"), DONE]))

    assert (code, (work / "last").exists(), types(said).count("llm.response")) == (0, True, 1)


def test_a_call_beside_the_end_that_fails_is_not_the_end(
    driven: Driven, models: Callable[..., Model], work: Path
) -> None:
    code, said = driven(models([bash("exit 3"), DONE], [bash("touch mended"), DONE]))

    assert (code, (work / "mended").exists(), types(said).count("llm.response")) == (0, True, 2)


@pytest.mark.parametrize("made", [True, False])
def test_new_files_are_a_patch(
    driven: Driven, models: Callable[..., Model], work: Path, tmp_path: Path, made: bool
) -> None:
    shadow = Shadow(tmp_path / "shadow.git", work)
    shadow.begin()
    turns = [[create(str(work / "new.py"))]] if made else []
    code, _ = driven(models(*turns, [DONE]), must_patch=True, shadow=for_driver(shadow), max_steps=3)

    assert code == (0 if made else FAILED)


def test_another_trae_agent_is_noticed(standin: Path, driven: Driven, models: Callable[..., Model]) -> None:
    (site,) = standin.parent.parent.glob("lib/python3*/site-packages/trae_agent/agent/trae_agent.py")
    text = site.read_text()
    try:
        site.write_text(text.replace("def _is_task_completed", "def _is_another"))
        code, said = driven(models([DONE]))
    finally:
        site.write_text(text)

    assert (code, types(said)) == (UNFIT, ["driver.unfit"])
    assert "_is_task_completed" in said[0]["error"]


def test_it_says_what_is_installed(standin: Path) -> None:
    done = subprocess.run([str(standin), "-I", str(DRIVER), "--describe"], capture_output=True, check=True)
    said = json.loads(done.stdout)

    assert next(tool["name"] for tool in said["tools"]) == "bash"
    assert set(said["missing"]) <= {"docker", "docker.errors", "pexpect", "tree_sitter_languages"}
