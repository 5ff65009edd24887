"""The scripted agent: three calls, whatever they come to."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idetour.upstreams.errand import DONE, EDIT, FILE, PROGRAM, SHELL, next_call

ALL = [{"type": "function", "function": {"name": name}} for name in (SHELL, EDIT, DONE)]
TASK = "[Project root path]:\n/home/me/my project\n\n[Problem statement]: Write hello.py."


RAN = PROGRAM.split('"')[1]


def conversation(text: Any, *results: str) -> list[Any]:
    turns = [
        each
        for result in results
        for each in ({"role": "assistant", "content": ""}, {"role": "tool", "content": result})
    ]
    return [{"role": "system", "content": "s"}, {"role": "user", "content": text}, *turns]


def words(*results: str) -> str:
    """What is said after these results."""
    call = next_call(conversation(TASK, *results), ALL)
    assert call
    return call.words


def test_it_writes_runs_and_is_done() -> None:
    results = ("File created successfully", RAN, "")
    calls = [next_call(conversation(TASK, *results[:many]), ALL) for many in range(4)]

    assert [call and call.tool for call in calls] == [EDIT, SHELL, DONE, DONE]
    assert calls[0]
    assert calls[0].arguments == {
        "command": "create",
        "path": "/home/me/my project/hello.py",
        "file_text": PROGRAM,
    }


@pytest.mark.parametrize("theirs", [False, True])
def test_a_file_that_is_there_already_is_run_if_it_is_ours_and_never_written(
    tmp_path: Path, theirs: bool
) -> None:
    (tmp_path / FILE).write_text("print('theirs')" if theirs else PROGRAM, "utf-8")
    call = next_call(conversation(TASK, "File already exists at: /home/me/hello.py"), ALL)
    assert call
    python = f"python3() {{ '{sys.executable}' \"$@\"; }}; "
    ran = subprocess.run(
        ["sh", "-c", python + call.arguments["command"]],
        cwd=tmp_path,
        env={"PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert ran.stdout == ("" if theirs else RAN + "\n")
    assert (tmp_path / FILE).read_text("utf-8") == ("print('theirs')" if theirs else PROGRAM)


def test_it_says_that_it_ran_only_if_it_did() -> None:
    assert "it runs" in words("created", RAN)
    assert "already" in words("File already exists")
    assert "not run" in words("File already exists", "")
    assert "not run" in words("created", "python3: command not found")


def test_without_a_root_it_writes_by_the_shell_and_over_nothing(tmp_path: Path) -> None:
    call = next_call(conversation([{"type": "text", "text": "write it"}]), ALL)

    assert call
    assert call.tool == SHELL
    command = ["sh", "-c", call.arguments["command"]]
    said = [subprocess.check_output(command, cwd=tmp_path, encoding="utf-8") for _ in range(2)]
    assert said == ["", "hello.py already exists\n"]
    assert (tmp_path / FILE).read_text("utf-8") == PROGRAM


@pytest.mark.parametrize("tools", [None, [], "x", [None, {"function": None}], ALL[:1]])
def test_without_its_tools_it_has_no_errand(tools: Any) -> None:
    assert next_call(conversation(TASK), tools) is None


def test_messages_of_any_shape_are_read() -> None:
    assert next_call([None, "x", {"role": "user", "content": [1, {"text": None}]}, {}], ALL)
