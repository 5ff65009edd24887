"""Where the agent's server keeps what it has: one folder of the user's, closed to others."""

import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from idetour.agent.sqlite import Sqlite
from idetour.agent.store import Store
from idetour.home import folder, home
from idetour.secret import Secret

DATABASE = "IDETOUR_AGENT_STORE"


@dataclass(frozen=True, slots=True)
class Run:
    """The files of one task, as they stay after its end."""

    folder: Path

    @property
    def task(self) -> str:
        return self.folder.name

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

    @property
    def results(self) -> tuple[Path, ...]:
        """What is worth keeping when the task is over."""
        return self.patch, self.trajectory, self.log

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Layout:
    folder: Path
    database: Secret | None = None  # the URL of the one that machines share; None: a file in the folder

    @property
    def interpreters(self) -> Path:
        """What interpreters said of themselves: see runner.py."""
        return self.folder / "interpreters.json"

    def run(self, task: str) -> Run:
        return Run(self.folder / "runs" / task)

    def old_runs(self, before: float) -> list[Run]:
        """Those whose folders were last changed before that moment."""
        runs = self.folder / "runs"
        return (
            [Run(path) for path in runs.iterdir() if path.stat().st_mtime < before] if runs.is_dir() else []
        )

    def told(self) -> dict[str, str]:
        """The environment in which `at` finds the same store."""
        return {DATABASE: self.database.reveal()} if self.database else {}

    def store(self) -> Store:
        """Raises SetupError."""
        if self.database:
            from idetour.agent.postgres import opened  # an extra

            return opened(self.database)
        return Sqlite(self.folder / "tasks.sqlite")


def ours() -> Layout:
    """In the user's home."""
    made = folder("agent")
    (made / "runs").mkdir(mode=0o700, exist_ok=True)
    return at(made)


def at(folder: Path, own: Mapping[str, str] = os.environ) -> Layout:
    """With the database that the environment names: a command line could be read by everybody."""
    url = own.get(DATABASE)
    return Layout(folder, Secret(url) if url else None)


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
