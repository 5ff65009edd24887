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
from idetour.cli.group import sentence

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"mitmproxy", "pydantic", "cryptography", "httpx2", "aiohttp", "rich", "yaml", "uvicorn", "asyncio"}
type Idetour = Callable[..., Result]


def python(*words: str, home: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """A fresh interpreter."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "addons"), "IDETOUR_HOME": str(home), **more}
    return subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=30,
    )


def test_the_command_imports_nothing_heavy_before_it_is_needed(tmp_path: Path) -> None:
    told = python("-c", "import idetour.cli, sys; print(*sys.modules)", home=tmp_path).stdout.split()

    assert "click" in told
    assert HEAVY & set(told) == set()


def test_help_fits_a_screen_and_names_every_command(idetour: Idetour) -> None:
    shown = idetour("--help").stdout

    assert len(shown.splitlines()) < 45
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert all(f"\n  {name} " in shown for name in main.commands)
    assert idetour("-h").stdout == shown


def test_commands_stand_below_what_they_are_for_the_commonest_first(idetour: Idetour) -> None:
    lines = idetour("--help").stdout.splitlines()
    start = lines.index("Every day:")

    assert [line.split()[0] for line in lines[start + 1 : start + 4]] == ["run", "ask", "models"]
    assert lines.index("An IDE that cannot be told:") > start


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


@pytest.mark.parametrize(
    "words", [("cert", "path"), ("profile", "new", "x"), ("run", "-p", "0")], ids=" ".join
)
def test_a_home_that_cannot_be_made_is_a_sentence_with_the_remedy(
    idetour: Idetour, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    ours = tmp_path / "file" / "home"
    result = idetour(*words, IDETOUR_HOME=str(ours))

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {ours}: Not a directory. "
        f"idetour keeps its files in {ours}; choose another folder with IDETOUR_HOME.\n"
    )


def test_a_file_elsewhere_is_named_without_talk_of_our_home(home: Path) -> None:
    assert (
        sentence(PermissionError(13, "Permission denied", "/etc/hosts")) == "/etc/hosts: Permission denied."
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("words", ["--help", "models", "profile path", "run -p 0"])
def test_a_full_disk_is_a_sentence(tmp_path: Path, words: str) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, "-m", "idetour", *words.split()],
            env={**os.environ, "PYTHONPATH": str(ROOT / "addons"), "IDETOUR_HOME": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )

    assert result.returncode == 1
    assert result.stderr.startswith("Error: No space left on device")
    assert result.stderr.endswith("IDETOUR_HOME.\n")
    assert result.stderr.count("\n") == 1


def test_a_closed_output_is_no_crash(tmp_path: Path) -> None:
    code = "import sys; sys.stdout = None; from idetour.cli import main; main(['check', 'no-such-profile'])"
    result = python("-c", code, home=tmp_path)

    assert result.stderr.startswith("Error: no profile is called 'no-such-profile'")
    assert python("-c", code.replace("no-such-profile", "team"), home=tmp_path).stderr == ""


@pytest.mark.parametrize("words", [("route", "explain", "你好 →"), ("doctor", "--offline", "-p", "1")])
def test_a_terminal_without_our_letters_shows_a_question_mark(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = python("-m", "idetour", *words, home=tmp_path, PYTHONIOENCODING="cp1252")

    assert result.stderr == ""
    assert "?" in result.stdout


def test_the_page_of_commands_is_up_to_date() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "commands.py"))

    assert tool["PAGE"].read_text(encoding="utf-8") == tool["page"](), "run tools/commands.py"
