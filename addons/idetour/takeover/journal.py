"""Before the machine is changed, how to change it back is written down; `undo` replays what is left.

    note(kind, data)   on the disk when it returns; only then may the change be made
    undo(kinds)        newest first; an entry goes when its change is undone, and stays when that failed
    entry.done()       the change was undone otherwise, or never made

An entry is a file of its own with a kind and data, never code. It may be *held* by
a process, for whose life the change is meant; one that nobody holds stays until it
is undone by hand. What an undo function does must be harmless when done again.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from idetour import disk, home
from idetour.errors import IdetourError, SetupError
from idetour.takeover import process

type Data = Mapping[str, Any]
type Undo = Callable[
    [Data, Sequence[Data]], None
]  # its data; those of its kind that remain. Raises SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    path: Path
    kind: str
    data: Data
    at: str  # local time, for people
    pid: int | None = None  # who holds it; None: nobody
    born: str = ""

    @property
    def alive(self) -> bool:
        """Whether the process that holds it runs."""
        return self.pid is not None and self.born != "" and process.birth(self.pid) == self.born

    @property
    def abandoned(self) -> bool:
        """Whether it was held by a process that is no more."""
        return self.pid is not None and not self.alive

    def done(self) -> None:
        """The change is undone, or was never made."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            disk.sync(self.path.parent)


@dataclass(frozen=True, slots=True)
class Report:
    undone: tuple[Entry, ...]
    left: tuple[tuple[Entry, str], ...]  # with the reason, a sentence


def note(kind: str, data: Data, *, held: bool = False) -> Entry:
    """Write down how a change is undone; with `held`, the change is meant for this process's life.

    Raises SetupError where it cannot be put on the disk: the change must then not be made.
    """
    pid, born = process.me() if held else (None, "")
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    content = {"kind": kind, "data": dict(data), "at": at, "pid": pid, "born": born}
    folder = home.home() / "journal"
    name = f"{os.getpid()}.new"
    try:
        folder = home.folder("journal")
        (folder / name).unlink(missing_ok=True)  # of an earlier process with our pid
        path = folder / f"{_next(folder):06d}-{os.getpid()}.json"
        disk.create(folder / name, json.dumps(content, ensure_ascii=False).encode()).rename(path)
        disk.sync(folder)
    except OSError as error:
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)
        raise SetupError(
            f"Nothing was changed, because how to undo it cannot be written to {folder}: {error.strerror}. "
            "Make room or rights there, or choose another folder with IDETOUR_HOME."
        ) from error
    return Entry(path=path, kind=kind, data=data, at=at, pid=pid, born=born)


def entries() -> list[Entry]:
    """All that has not been undone, oldest first. A file that is not an entry is passed over."""
    found = sorted((home.home() / "journal").glob("*.json"))
    return [entry for path in found if (entry := _read(path))]


def undo(kinds: Mapping[str, Undo], which: Callable[[Entry], bool] = lambda _: True) -> Report:
    """Undo the entries that `which` chooses, newest first. Never raises for what cannot be undone."""
    undone: list[Entry] = []
    left: list[tuple[Entry, str]] = []
    if not any(map(which, entries())):
        return Report((), ())
    with locked():
        for entry in reversed([each for each in entries() if which(each)]):
            rest = [each.data for each in entries() if each.kind == entry.kind and each.path != entry.path]
            try:
                if entry.kind not in kinds:
                    raise SetupError(f"this idetour does not know how to undo {entry.kind!r} ({entry.path})")
                kinds[entry.kind](entry.data, rest)
                entry.done()
                undone.append(entry)
            except (IdetourError, OSError, LookupError, TypeError, ValueError) as error:
                left.append((entry, str(error)))
    return Report(tuple(undone), tuple(left))


@contextmanager
def locked() -> Iterator[None]:
    """One process at a time changes the machine; where no lock can be had (a full disk), it must do without."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(disk.locked(home.folder("journal")))
        yield


def _next(folder: Path) -> int:
    """One more than the highest number: the order must not depend on the clock."""
    return max((int(path.name[:6]) for path in folder.glob("[0-9]*-*.json")), default=0) + 1


def _read(path: Path) -> Entry | None:
    try:
        made = json.loads(path.read_bytes())
        return Entry(path=path, **{name: made[name] for name in ("kind", "data", "at", "pid", "born")})
    except (OSError, ValueError, LookupError, TypeError):
        return None
