"""The first start: it finds a Python that works, builds `.venv` once, and becomes the program.

Done for real in a small checkout whose build needs no network: its "idetour"
prints its arguments and its process id, and exits with 3.
"""

import ast
import os
import runpy
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

START = Path(__file__).parent.parent / "tools" / "start.py"
TOOL = runpy.run_path(str(START))  # its functions by name; nothing is built

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "idetour"
version = "1"

[dependency-groups]
dev = ["a-package-that-nobody-published"]
"""

BACKEND = '''
"""The smallest build backend: one wheel with one module and one command."""

import zipfile

FILES = {
    "standin.py": "import os, sys\\ndef main():\\n    print(*sys.argv[1:], os.getpid())\\n    sys.exit(3)\\n",
    "idetour-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: idetour\\nVersion: 1\\n",
    "idetour-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "idetour-1.dist-info/entry_points.txt": "[console_scripts]\\nidetour = standin:main\\n",
    "idetour-1.dist-info/RECORD": "",
}

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/idetour-1-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
    return "idetour-1-py3-none-any.whl"
'''


@dataclass(frozen=True)
class Finished:
    pid: int
    code: int
    out: str
    err: str


def begin(checkout: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(checkout / "tools" / "start.py"), *args],
        env={**os.environ, "PIP_NO_INDEX": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> Finished:
    out, err = process.communicate(timeout=120)
    return Finished(process.pid, process.returncode, out, err)


def functions(checkout: Path) -> dict[str, Any]:
    """What that checkout's start.py defines."""
    return runpy.run_path(str(checkout / "tools" / "start.py"))


@dataclass(frozen=True)
class Started:
    checkout: Path
    firsts: list[Finished]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Started:
    """A checkout in which an earlier build was killed, and then two starts came at once."""
    checkout = tmp_path_factory.mktemp("a checkout")
    (checkout / "tools").mkdir()
    shutil.copy(START, checkout / "tools")
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    (checkout / "backend.py").write_text(BACKEND)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    (checkout / ".venv" / "half-installed").touch()
    (checkout / ".venv.lock").write_text("building\n")
    return Started(checkout, [end(process) for process in [begin(checkout), begin(checkout)]])


def test_two_first_starts_share_one_build(started: Started) -> None:
    assert [first.code for first in started.firsts] == [3, 3], started.firsts
    assert "".join(first.err for first in started.firsts).count("Setting up .venv") == 1


def test_an_interrupted_build_is_done_again(started: Started) -> None:
    assert not (started.checkout / ".venv" / "half-installed").exists()
    assert (started.checkout / ".venv.lock").read_text() == ""


def test_no_word_means_run(started: Started) -> None:
    assert {first.out.split()[0] for first in started.firsts} == {"run"}


def test_a_later_start_only_hands_its_words_over(started: Started) -> None:
    later = end(begin(started.checkout, "ask", "hello"))

    assert later.out.split()[:2] == ["ask", "hello"]
    assert later.err == ""
    assert later.code == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no exec that keeps the console")
def test_the_start_becomes_the_program_so_signals_reach_it(started: Started) -> None:
    assert [first.out.split()[-1] for first in started.firsts] == [str(first.pid) for first in started.firsts]


def test_a_run_does_not_wait_for_the_test_tools(started: Started) -> None:
    ready = functions(started.checkout)["ready"]

    assert ready("run")
    assert not ready("test")


def test_packages_that_cannot_be_had_are_two_sentences(started: Started, tmp_path: Path) -> None:
    checkout = tmp_path / "copy"
    shutil.copytree(started.checkout, checkout, symlinks=True)

    failed = end(begin(checkout, "test"))

    assert failed.code == 1
    assert failed.out == ""
    assert "Traceback" not in failed.err
    assert "idetour needs could not be installed: No matching distribution found" in failed.err
    assert failed.err.endswith("then run this command again.\n")
    assert len(failed.err.splitlines()) == 3  # what it was doing, and the two


def test_new_requirements_a_removed_python_and_a_moved_checkout_make_it_stale(
    started: Started, tmp_path: Path
) -> None:
    project, python = started.checkout / "pyproject.toml", functions(started.checkout)["PYTHON"]
    moved = tmp_path / "moved"
    shutil.copytree(started.checkout, moved, symlinks=True)
    ready = functions(started.checkout)["ready"]

    project.write_text(PYPROJECT + "# one more\n")
    assert not ready("run")
    project.write_text(PYPROJECT)
    assert ready("run")

    python.rename(python.with_name("gone"))
    assert not ready("run")
    python.with_name("gone").rename(python)
    assert ready("run")

    assert not functions(moved)["ready"]("run")


@pytest.mark.skipif(os.name == "nt", reason="a shim is a shell script")
def test_a_shim_that_only_complains_is_no_python(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)

    assert TOOL["proven"]([str(shim)]) is None


def test_a_python_that_is_not_there_is_none() -> None:
    assert TOOL["proven"](["/nowhere/python3.13"]) is None


def test_the_python_found_is_new_enough_and_not_that_of_an_environment() -> None:
    found = TOOL["find_python"]()

    code = "import sys; print(sys.version_info >= (3, 12), sys.prefix == sys.base_prefix)"
    answer = subprocess.run([found, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "True True\n"


def test_the_file_is_written_for_python_3_8() -> None:
    ast.parse(START.read_text(encoding="utf-8"), feature_version=(3, 8))


def old_python() -> Path | None:
    """The oldest Python from 3.8 to 3.11 that runs here."""
    versions = Path(os.environ.get("PYENV_ROOT", Path("~/.pyenv").expanduser())) / "versions"
    for minor in range(8, 12):
        on_path = shutil.which(f"python3.{minor}")
        for python in [*versions.glob(f"3.{minor}.*/bin/python"), *([Path(on_path)] if on_path else [])]:
            if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
                return python
    return None


OLD = old_python()


@pytest.mark.skipif(OLD is None, reason="no Python older than 3.12 on this machine")
def test_an_old_python_explains_itself_and_finds_a_newer_one() -> None:
    code = "import runpy, sys; print(runpy.run_path(sys.argv[1])['find_python']())"

    told = subprocess.run([str(OLD), str(START), "--help"], capture_output=True, text=True, check=True)
    found = subprocess.run([str(OLD), "-c", code, str(START)], capture_output=True, text=True, check=True)

    assert "python3 tools/start.py test" in told.stdout
    assert TOOL["proven"]([found.stdout.strip()]) is not None


@pytest.mark.skipif(OLD is None, reason="no Python older than 3.12 on this machine")
def test_an_old_python_itself_will_not_do() -> None:
    assert TOOL["proven"]([str(OLD)]) is None
