"""How far an agent is kept from what else its user owns. A level is a function and its line in `LEVELS`.

`none`: as the user who started the server. `user`: as another user of this
machine, for which the server has to run as root.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idetour.errors import SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a level makes of one task."""

    box: Path  # the task's own folder, which its agent may read and write
    popen: Mapping[str, Any] = field(
        default_factory=dict
    )  # for each process that touches what the agent touches

    def give(self, *paths: Path) -> None:
        """Make files of ours the agent's own."""
        if "user" in self.popen:
            for path in paths:
                os.chown(path, self.popen["user"], self.popen["group"])

    def remove(self) -> None:
        """It held a key or a token."""
        shutil.rmtree(self.box, ignore_errors=True)


def none(run: Path, _: str | None) -> Cell:
    return furnished(Cell(box=run / "box"))


def other_user(run: Path, name: str | None) -> Cell:
    """Raises SetupError where that user does not exist or cannot be become."""
    uid, gid = account(name)
    who = {"user": uid, "group": gid, "extra_groups": []}
    # The run's folder is closed to that user, and so is everything above it.
    box = Path(tempfile.mkdtemp(prefix=f"idetour-{run.name[:8]}-"))
    cell = Cell(box=box, popen=who)
    cell.give(box)
    return furnished(cell)


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


def furnished(cell: Cell) -> Cell:
    for path in (cell.box, cell.box / "home", cell.box / "tmp"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        cell.give(path)
    return cell


LEVELS: Mapping[str, Callable[[Path, str | None], Cell]] = {"none": none, "user": other_user}


def entered(level: str, run: Path, user: str | None) -> Cell:
    """The cell for a task whose folder is `run`. Raises SetupError."""
    if level not in LEVELS:
        raise SetupError(f"Isolation is one of {', '.join(LEVELS)}, not {level!r}.")
    return LEVELS[level](run, user)
