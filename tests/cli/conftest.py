"""The command as a user types it, in this process, with a home of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from idetour.cli import main


@pytest.fixture
def idetour(home: Path) -> Callable[..., Result]:
    """`idetour("check", "team", NVIDIA_API_KEY="…")`"""

    def run(*words: str | Path, **env: str) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words], env=env, prog_name="idetour")

    return run


@pytest.fixture
def piped(home: Path) -> Callable[..., Result]:
    """With a line on stdin: `piped(key, "accounts", "add", "nim")`."""

    def run(line: str, *words: str) -> Result:
        return CliRunner().invoke(main, words, input=f"{line}\n", prog_name="idetour")

    return run
