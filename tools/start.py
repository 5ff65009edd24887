"""Run or test this checkout with nothing but a Python on the machine.

    python3 tools/start.py              the gateway, ready to use (Windows: py tools\\start.py)
    python3 tools/start.py ask hello    any idetour command; `run --help` and so on explain them
    python3 tools/start.py test         format, lint, types and all tests, as in CI
    python3 tools/start.py test ARGS    pytest with these arguments

Any Python from 3.8 on may run this file: it looks for one that is new enough
for idetour, builds `.venv` with it once, and hands over.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Iterator, List, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / ".venv.lock"

# The minor versions of Python 3 that will do, best first: 3.13 is what the checks run on.
MINORS = (13, 14, 12, 15)
NO_PYTHON = (
    "idetour needs Python 3.12 or newer (with its venv module), and this machine has none that works.\n"
    "Install one from https://www.python.org/downloads/ (Debian, Ubuntu: apt install python3-venv), "
    "then run this command again."
)

# What each kind of start needs: a first `run` is not kept waiting for the test tools.
PACKAGES = {"run": ["--editable", "."], "test": ["--editable", ".", "--group", "dev"]}


# Where installers put Python 3.x, beside PATH; {0} is the x, ~ and the variables are filled in.
PLACES = (
    "$PYENV_ROOT/versions/3.{0}.*/bin/python",
    "~/.pyenv/versions/3.{0}.*/bin/python",
    "~/.local/share/uv/python/cpython-3.{0}.*/bin/python3",
    "/opt/homebrew/bin/python3.{0}",
    "/usr/local/bin/python3.{0}",
    "/Library/Frameworks/Python.framework/Versions/3.{0}/bin/python3",
    "$LOCALAPPDATA/Programs/Python/Python3{0}/python.exe",
    "$APPDATA/uv/python/cpython-3.{0}.*/python.exe",
    "~/.pyenv/pyenv-win/versions/3.{0}.*/python.exe",
)


def candidates() -> Iterator[List[str]]:
    """How each Python we know to look for is called, the best first. Many will not run."""
    yield [sys.executable]
    for minor in MINORS:
        if on_path := shutil.which("python3.%d" % minor):
            yield [on_path]
        if launcher := shutil.which("py"):
            yield [launcher, "-3.%d" % minor]
        for place in PLACES:
            pattern = os.path.expandvars(os.path.expanduser(place.format(minor)))
            yield from ([found] for found in sorted(glob.glob(pattern), reverse=True))


PROBE = """
import sys, sysconfig, venv, ensurepip
fit = sys.version_info >= (3, 12) and sys.implementation.name == "cpython"
free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")  # few packages have wheels for it
print(sys._base_executable)
sys.exit(not fit or bool(free_threaded))
"""


def proven(command: List[str]) -> str | None:
    """The interpreter behind `command`, or None if it does not run or will not do: a shim that only complains is none."""
    try:
        answer = subprocess.run(
            [*command, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(answer.stdout).strip() if answer.returncode == 0 else None


def find_python() -> str | None:
    """The first candidate that proves itself."""
    return next((python for python in map(proven, candidates()) if python), None)


def download_python() -> str:
    """A Python of uv's own, for machines with an old one only. Builds in `.venv`, which is cleared afterwards."""
    say("There is no Python 3.12 or newer here: downloading 3.13 for this user, with uv")
    try:
        quietly(sys.executable, "-m", "venv", "--clear", VENV)
        quietly(PYTHON, "-m", "pip", "install", "uv")
        quietly(PYTHON, "-m", "uv", "python", "install", "3.13")
        return quietly(PYTHON, "-m", "uv", "python", "find", "3.13").splitlines()[-1]
    except subprocess.CalledProcessError:
        sys.exit(NO_PYTHON)


def say(sentence: str) -> None:
    """On stderr: stdout belongs to the command that follows."""
    print(sentence, file=sys.stderr, flush=True)


def quietly(*command: object) -> str:
    """Run a step of the installation and return what it printed. Raises CalledProcessError, which has it too."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=str(ROOT),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ).stdout


def stamp() -> str:
    """Changes with everything that makes `.venv` out of date: the requirements, the Python, the place."""
    config = VENV / "pyvenv.cfg"
    parts = [(ROOT / "pyproject.toml").read_bytes(), config.read_bytes(), os.fsencode(VENV)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def ready(kind: str) -> bool:
    """Whether `.venv` has what this kind of start needs. A removed Python leaves a dangling link: not ready."""
    try:
        return PYTHON.exists() and (VENV / (kind + ".stamp")).read_text() == stamp()
    except OSError:
        return False


@contextmanager
def alone() -> Iterator[IO[str]]:
    """Only one start at a time builds; a second one waits here. The system frees the lock of a killed one."""
    with LOCK.open("a+") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                try:
                    file.seek(0)
                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
                    break
                except OSError:
                    time.sleep(0.5)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def prepare(kind: str) -> None:
    """Have a `.venv` for this kind of start. The lock file is empty unless a build was not finished."""
    if ready(kind):
        return
    with alone() as lock:
        if ready(kind):
            return
        lock.seek(0)
        interrupted = bool(lock.read())
        lock.write("building\n")
        lock.flush()
        build(kind, afresh=interrupted or proven([str(PYTHON)]) is None)
        lock.truncate(0)


def build(kind: str, *, afresh: bool) -> None:
    """Install what `kind` needs; on top of what is there, unless asked to begin `afresh`."""
    pip = [PYTHON, "-m", "pip", "--no-input", "--disable-pip-version-check", "install", "--no-compile"]
    try:
        if afresh:
            python = find_python() or download_python()
            say("Setting up .venv with %s: only this once, about a minute …" % python)
            quietly(python, "-m", "venv", "--clear", VENV)
        else:
            say("Bringing .venv up to date: up to a minute …")
            quietly(PYTHON, "-m", "ensurepip")  # uv makes environments without pip
        if kind == "test":
            quietly(*pip, "pip>=25.1")  # the first that knows --group
        quietly(*pip, *PACKAGES[kind])
    except subprocess.CalledProcessError as error:
        give_up(error.output)
    for name in {"run", kind}:
        (VENV / (name + ".stamp")).write_text(stamp())


def give_up(output: str) -> NoReturn:
    """Two sentences instead of pip's many."""
    log = VENV / "install.log"
    log.write_text(output, encoding="utf-8")
    errors = [line.partition("ERROR: ")[2] for line in output.splitlines() if "ERROR: " in line]
    sys.exit(
        "The packages that idetour needs could not be installed: %s.\n"
        "Check the network and pip's settings (all that pip said is in %s), then run this command again."
        % (errors[-1].rstrip(".") if errors else "pip failed", log)
    )


def hand_over(command: List[str]) -> NoReturn:
    """Become `command`, so that Ctrl-C, signals and the exit code are its own."""
    if os.name != "nt":
        os.execv(command[0], command)
    child = subprocess.Popen(command)  # on Windows an exec'd program loses the console
    while True:
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            continue  # the console sent it to the child as well, which decides


def main(args: List[str]) -> None:
    if args in (["-h"], ["--help"]):
        print(__doc__)
        return
    testing = args[:1] == ["test"]
    try:
        prepare("test" if testing else "run")
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit("Setting up .venv failed: %s.\nMend that, then run this command again." % error)
    if not testing:
        hand_over([str(BIN / "idetour"), *(args or ["run"])])
    os.chdir(str(ROOT))
    hand_over([str(PYTHON), *(["-m", "pytest", *args[1:]] if args[1:] else ["tools/check.py"])])


if __name__ == "__main__":
    main(sys.argv[1:])
