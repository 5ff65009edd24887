"""How far an agent is kept from what else its user owns. A level is a function and its line in `LEVELS`.

`none`: as the user who started the server. `user`: as another user of this
machine, for which the server has to run as root. `namespace`: in namespaces of
Linux, where only its own directories can be written; see enter.py. `container`:
by a command of the user's, whatever that starts.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idetour import disk
from idetour.agent import limits
from idetour.agent.store import Spec
from idetour.agent.tree import MARK
from idetour.errors import SetupError
from idetour.home import home

ENTER = Path(__file__).with_name("enter.py")
ENVIRONMENT = "environment"  # the file of a container's, in the box
COMMAND = "{command}"  # becomes as many words as the agent's command has
STOP_SECONDS = 30.0  # that a container has to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a level makes of one task."""

    box: Path  # the task's own folder, which its agent may read and write
    # For Popen, of each process that touches what the agent touches.
    popen: Mapping[str, Any] = field(default_factory=dict)
    words: Sequence[str] = (COMMAND,)
    contained: bool = False  # nothing is inherited: neither environment nor descriptors

    @property
    def pipe(self) -> Path | None:
        """Where events come from if not from a descriptor."""
        return self.box / "events" if self.contained else None

    def around(self, command: Sequence[str]) -> list[str]:
        """The command that starts the agent's `command` in here."""
        return [each for word in self.words for each in (command if word == COMMAND else [word])]

    def environment(self, agents: Mapping[str, str]) -> Mapping[str, str]:
        """Of the process that we start. A container's client needs ours, and gets the agent's as a file."""
        if not self.contained:
            return agents
        lines = (f"{name}={value}\n" for name, value in agents.items() if "\n" not in value)
        path = self.box / ENVIRONMENT
        path.unlink(missing_ok=True)
        disk.create(path, "".join(lines).encode())
        return {**os.environ, MARK: agents.get(MARK, "")}

    def give(self, *paths: Path) -> None:
        """Make files of ours the agent's own."""
        if "user" in self.popen:
            for path in paths:
                os.chown(path, self.popen["user"], self.popen["group"])

    def remove(self) -> None:
        """It held a key or a token."""
        shutil.rmtree(self.box, ignore_errors=True)


def none(run: Path, _: Spec) -> Cell:
    return Cell(box=run / "box")


def other_user(run: Path, spec: Spec) -> Cell:
    """Raises SetupError where that user does not exist or cannot be become."""
    uid, gid = account(spec.user)
    who = {"user": uid, "group": gid, "extra_groups": []}
    # The run's folder is closed to that user, and so is everything above it.
    cell = Cell(box=elsewhere(run), popen=who)
    cell.give(cell.box)
    return cell


def namespace(run: Path, spec: Spec) -> Cell:
    """Our home, with its keys, is an empty directory for the agent. Raises SetupError."""
    hidden = home()
    if Path(spec.working_dir).is_relative_to(hidden):
        raise SetupError(f"Isolation `namespace` hides {hidden}, so no agent can work in there.")
    box = elsewhere(run)
    processes = limits.of(spec.limits).processes
    entering = (sys.executable, "-I", str(ENTER), spec.working_dir, str(box), str(hidden), str(processes))
    return Cell(box=box, words=(*entering, COMMAND))


def container(run: Path, spec: Spec) -> Cell:
    """Raises SetupError."""
    words, box = template(spec.container), elsewhere(run)
    filled = {
        "workdir": spec.working_dir,
        "rundir": str(box),
        "environment": str(box / ENVIRONMENT),
        "task": run.name,
    }
    return Cell(box=box, words=[with_values(word, filled) for word in words], contained=True)


def template(text: str | None) -> list[str]:
    """The words of a container's command. Raises SetupError."""
    try:
        words = shlex.split(text or "")
    except ValueError as error:
        raise SetupError(f"--container: {error}.") from None
    for needed in ("{workdir}", "{rundir}"):
        if not any(needed in word for word in words):
            raise SetupError(f"--container: the command has to say where {needed} is mounted.")
    if COMMAND not in words:
        raise SetupError(f"--container: {COMMAND} has to stand by itself, where the agent's command goes.")
    return words


def with_values(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def end(task: str, spec: Spec) -> None:
    """Kill the task's container: it outlives the client that started it."""
    if spec.isolation == "container" and spec.container_stop:
        words = [with_values(word, {"task": task}) for word in shlex.split(spec.container_stop)]
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=STOP_SECONDS)


def elsewhere(run: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=beginning(run)))


def beginning(run: Path) -> str:
    return f"idetour-{run.name[:8]}-"


def clear(run: Path) -> None:
    """Remove the cell of a task whose supervisor died before it could: a key or a token is in it."""
    for box in (run / "box", *Path(tempfile.gettempdir()).glob(f"{beginning(run)}*")):
        shutil.rmtree(box, ignore_errors=True)


def account(name: str | None) -> tuple[int, int]:
    """The ids of the user and its group. Raises SetupError where we cannot become them."""
    import pwd

    if not name:
        raise SetupError("Isolation `user` needs the name of a user: `--user NAME`.")
    if os.geteuid() != 0:
        raise SetupError(f"Isolation `user` needs root: nobody else may start an agent as {name}.")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise SetupError(f"Isolation `user`: there is no user {name!r} on this machine.") from None
    return entry.pw_uid, entry.pw_gid


def possible(level: str, *, user: str | None = None, command: str | None = None) -> None:
    """Raises SetupError where agents cannot be isolated so."""
    if level not in LEVELS:
        raise SetupError(f"Isolation is one of {', '.join(LEVELS)}, not {level!r}.")
    if level == "user":
        account(user)
    elif level == "container":
        template(command)
    elif level == "namespace":
        with tempfile.TemporaryDirectory() as made:
            places = [tempfile.mkdtemp(dir=made) for _ in range(3)]
            tried = subprocess.run(
                [sys.executable, "-I", str(ENTER), *places, "0", "true"], capture_output=True, text=True
            )
        if tried.returncode:
            raise SetupError(tried.stderr.strip() or "Isolation `namespace` is not possible here.")


LEVELS: Mapping[str, Callable[[Path, Spec], Cell]] = {
    "none": none,
    "user": other_user,
    "namespace": namespace,
    "container": container,
}


def entered(spec: Spec, run: Path) -> Cell:
    """The cell for a task whose folder is `run`. Raises SetupError."""
    if spec.isolation not in LEVELS:
        raise SetupError(f"Isolation is one of {', '.join(LEVELS)}, not {spec.isolation!r}.")
    cell = LEVELS[spec.isolation](run, spec)
    for path in (cell.box, cell.box / "home", cell.box / "tmp"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        cell.give(path)
    return cell
