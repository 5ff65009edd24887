"""Where the agent's server keeps what it has: one folder of the user's, closed to others."""

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from idetour.agent.sqlite import Sqlite
from idetour.agent.store import Store
from idetour.home import folder, home


@dataclass(frozen=True, slots=True)
class Run:
    """The files of one task, as they stay after its end."""

    folder: Path

    @property
    def log(self) -> Path:
        """What the agent wrote to its console."""
        return self.folder / "console.log"

    @property
    def trajectory(self) -> Path:
        return self.folder / "trajectory.json"

    @property
    def patch(self) -> Path:
        return self.folder / "patch.diff"

    @property
    def box(self) -> Path:
        """The agent's own folder while it runs, unless it is another user."""
        return self.folder / "box"

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Layout:
    folder: Path

    @property
    def interpreters(self) -> Path:
        """What interpreters said of themselves: see runner.py."""
        return self.folder / "interpreters.json"

    def run(self, task: str) -> Run:
        return Run(self.folder / "runs" / task)

    def store(self) -> Store:
        """Raises SetupError."""
        return Sqlite(self.folder / "tasks.sqlite")


def ours() -> Layout:
    """In the user's home."""
    made = folder("agent")
    (made / "runs").mkdir(mode=0o700, exist_ok=True)
    return Layout(made)


def admin_token() -> Path:
    """The file that lets us ask a running idetour for tokens; it may not exist."""
    return home() / "state" / "admin-token"


def take(source: Path, target: Path) -> bool:
    """Keep a file that the agent wrote. It may have put a link or a device in its place, which is not read."""
    try:
        found = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        return False
    into = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(found, "rb") as file, os.fdopen(into, "wb") as kept:
        shutil.copyfileobj(file, kept)
    return True
