"""The command as a whole: quick to start, short to read, and never a traceback."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from idetour.cli import main

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"mitmproxy", "pydantic", "cryptography", "httpx2", "aiohttp", "rich", "yaml", "uvicorn", "asyncio"}
type Idetour = Callable[..., Result]


def python(*words: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """A fresh interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "addons"), "IDETOUR_HOME": str(home)}
    return subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=30,
    )


def test_the_command_imports_nothing_heavy_before_it_is_needed(tmp_path: Path) -> None:
    told = python("-c", "import idetour.cli, sys; print(*sys.modules)", home=tmp_path).stdout.split()

    assert "click" in told
    assert HEAVY & set(told) == set()


def test_help_fits_a_screen_and_names_every_command(idetour: Idetour) -> None:
    shown = idetour("--help").stdout

    assert len(shown.splitlines()) < 25
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert all(f"\n  {name} " in shown for name in main.commands)
    assert idetour("-h").stdout == shown


def test_commands_are_shown_in_the_order_of_their_use(idetour: Idetour) -> None:
    words = [
        line.split()[0] for line in idetour("--help").stdout.partition("Commands:")[2].splitlines() if line
    ]

    assert words[:3] == ["run", "check", "ask"]


def test_the_version_is_the_packages(idetour: Idetour) -> None:
    from idetour import __version__

    assert idetour("--version").stdout == f"idetour {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "no-such-profile"),
        ("models", "no-such-profile"),
        ("run", "no-such-profile"),
        ("profile", "show", "no-such-profile"),
        ("profile", "path", "no-such-profile"),
        ("ask", "hello", "--profile", "no-such-profile", "-m", "x"),
    ],
    ids=" ".join,
)
def test_a_users_mistake_is_a_sentence_and_exit_code_1(idetour: Idetour, words: tuple[str, ...]) -> None:
    result = idetour(*words)

    assert result.exit_code == 1
    assert "no profile is called 'no-such-profile'" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_the_module_is_the_command(tmp_path: Path) -> None:
    result = python("-m", "idetour", "check", "no-such-profile", home=tmp_path)

    assert result.returncode == 1
    assert result.stderr.startswith("Error: no profile is called 'no-such-profile'")


def test_the_page_of_commands_is_up_to_date() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "commands.py"))

    assert tool["PAGE"].read_text(encoding="utf-8") == tool["page"](), "run tools/commands.py"
