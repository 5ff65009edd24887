"""The tools: a shell in a session of its own, files anywhere, and the word that ends a task."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Tool:
    name = ""
    description = ""

    def __init__(self, model_provider: str | None = None) -> None:
        pass

    def run(self, **arguments: Any) -> str:
        raise NotImplementedError


class Bash(Tool):
    name, description = "bash", "Run commands in a shell"

    def run(self, command: str = "", **_: Any) -> str:
        done = subprocess.run(
            ["/bin/bash", "-c", command], capture_output=True, text=True, start_new_session=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
        return done.stdout.rstrip("\n")


class Edit(Tool):
    name, description = "str_replace_based_edit_tool", "Create files and look at them"

    def run(self, command: str = "", path: str = "", file_text: str | None = None, **_: Any) -> str:
        if command == "create":
            Path(path).write_text(file_text or "", encoding="utf-8")
            return f"File created successfully at: {path}"
        return Path(path).read_text(encoding="utf-8")


class Think(Tool):
    name, description = "sequentialthinking", "Think in steps"

    def run(self, **_: Any) -> str:
        return "Sequential thinking step completed."


class Done(Tool):
    name, description = "task_done", "Report the end of the task"

    def run(self, **_: Any) -> str:
        return "Task done."


tools_registry: dict[str, Callable[..., Tool]] = {tool.name: tool for tool in (Bash, Edit, Think, Done)}
