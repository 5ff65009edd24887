"""Files that nobody else can read, not even while they are written, and that survive a crash."""

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def create(path: Path, content: bytes) -> Path:
    """A new file with mode 0600, on the disk when this returns. Raises FileExistsError."""
    with open(path, "xb", opener=_private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


def replace(path: Path, content: bytes) -> None:
    """The same in place of what was there: whenever it is read, the file is the old one or the new."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    create(fresh, content).replace(path)


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Changes whenever the file does, also when another takes its place; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def sync(folder: Path) -> None:
    """Put a folder's entries on the disk, where a folder can be opened (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def too_open(folder: Path) -> Iterator[tuple[Path, int]]:
    """Each path in `folder`, and itself, whose mode lets others in. Windows has no such modes."""
    if os.name == "posix" and folder.is_dir():
        for path in (folder, *folder.rglob("*")):
            with suppress(FileNotFoundError):  # it was removed meanwhile
                mode = path.stat().st_mode & 0o777
                if mode & 0o077:
                    yield path, mode


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time. The system opens the lock when its holder ends, however it ends."""
    with open(folder / "lock", "ab", opener=_private) as file:
        _lock(file.fileno())
        yield


def busy(error: sqlite3.Error) -> bool:
    """Whether another has the database to itself: nothing is wrong with it."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def write_ahead(database: sqlite3.Connection, *, seconds: float) -> None:
    """Let readers of a database never wait for who writes. Raises sqlite3.Error.

    The first to come changes the file for all. For that SQLite lets nobody wait, so we do.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if not busy(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
    database.execute("PRAGMA synchronous = NORMAL")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # waits for ten seconds, then OSError
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
