"""A small SQLite file of ours, in which something survives a restart.

It is private, and worth no request: one that cannot be read is moved aside, and
a disk that is full or slow costs a warning. Writing happens in a thread of its own.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from idetour import disk

log = logging.getLogger("idetour")

BUSY_SECONDS = 5.0  # for another process of ours that writes


@dataclass(slots=True)
class Database:
    """`path` None: nothing is kept beyond this process. `about` says what it holds, for warnings.

    `read` is called with the connection when the file is opened, after `schema`, and takes out
    what is there. It may raise sqlite3.Error: then the file is moved aside, and another one made.
    """

    path: Path | None
    schema: str
    about: str
    read: Callable[[sqlite3.Connection], None]
    _version: int = 0  # SQLite's count of what other connections have written
    _connection: sqlite3.Connection | None = None
    _writer: ThreadPoolExecutor | None = None

    def __post_init__(self) -> None:
        if self.path is None:
            return None
        try:
            self._open(self.path)
        except sqlite3.DatabaseError as error:
            if disk.busy(error):
                self.close()
                return self._in_memory(error)
            aside = self.path.with_suffix(".broken")
            log.warning(
                "%s cannot be read (%s): moved to %s; %s begin anew.", self.path, error, aside, self.about
            )
            self._set_aside(self.path, aside)
        except OSError as error:
            self._in_memory(error.strerror or error)

    def _open(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its journal takes over the mode
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        self._connection = connection
        disk.write_ahead(connection, seconds=BUSY_SECONDS)
        connection.executescript(self.schema)
        self.read(connection)
        self._version = version(connection)

    def _set_aside(self, path: Path, aside: Path) -> None:
        self.close()
        try:
            path.replace(aside)
            for journal in ("-wal", "-shm"):
                path.with_name(path.name + journal).unlink(missing_ok=True)
            self._open(path)
        except (OSError, sqlite3.DatabaseError) as error:
            self.close()
            self._in_memory(error)

    def _in_memory(self, why: object) -> None:
        log.warning("%s: %s. Its %s are kept in memory only.", self.path, why, self.about)

    def write(self, statement: str, values: tuple[object, ...]) -> None:
        """Soon, in the order of the calls."""
        if self._connection is None:
            return
        self._thread().submit(self._in_thread, self._connection, statement, values)

    async def changed[T](self, look: Callable[[sqlite3.Connection], T]) -> T | None:
        """What `look` finds where another process has written since it last did; else None.

        It looks in the writer's thread, after all that was to be written before.
        """
        if self._connection is None:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread(), self._look, self._connection, look)

    def _look[T](self, connection: sqlite3.Connection, look: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            if (now := version(connection)) == self._version:
                return None
            found = look(connection)
        except sqlite3.Error as error:
            log.debug("%s: not read again (%s).", self.path, error)
            return None
        self._version = now
        return found

    def _thread(self) -> ThreadPoolExecutor:
        self._writer = self._writer or ThreadPoolExecutor(1, "idetour-database")
        return self._writer

    def _in_thread(self, connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> None:
        try:
            with connection:
                connection.execute(statement, values)
        except sqlite3.Error as error:
            log.warning("%s: not written (%s).", self.path, error)

    def close(self) -> None:
        """After what is still to be written; milliseconds."""
        if self._writer:
            self._writer.shutdown()
        if self._connection:
            self._connection.close()
        self._connection = self._writer = None


def version(connection: sqlite3.Connection) -> int:
    """A number that changes with each write of another connection."""
    (found,) = connection.execute("PRAGMA data_version").fetchone()
    return int(found)
