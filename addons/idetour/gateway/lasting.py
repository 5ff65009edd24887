"""Long rests, on disk: a key that is used up until midnight is not asked again because we were restarted.

Only what lasts longer than five minutes is written, and never a key: a key is
known by a keyed hash whose salt lies in the same file. Writing happens in a
thread of its own; a disk that is full or slow costs a warning and nothing else.
"""

import logging
import os
import secrets
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger("idetour")

LEAST_SECONDS = 300.0
BUSY_SECONDS = 5.0  # for another process of ours that writes
SCHEMA = """
    CREATE TABLE IF NOT EXISTS salt (value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS rests (
        name TEXT NOT NULL, id TEXT NOT NULL, until REAL NOT NULL, why TEXT NOT NULL, PRIMARY KEY (name, id)
    );
"""


class Row(NamedTuple):
    name: str  # of an upstream, or a target
    id: str  # of a key; "" where none is needed
    until: float  # seconds since 1970
    why: str


@dataclass(slots=True)
class Lasting:
    """`path` None: nothing is kept beyond this process."""

    path: Path | None = None
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    _database: sqlite3.Connection | None = None
    _writer: ThreadPoolExecutor | None = None

    def __post_init__(self) -> None:
        if self.path is None:
            return
        try:
            self._read(self.path)
        except sqlite3.DatabaseError as error:
            aside = self.path.with_suffix(".broken")
            log.warning(
                "%s cannot be read (%s): moved to %s; long rests begin anew.", self.path, error, aside
            )
            self._set_aside(self.path, aside)
        except OSError as error:
            log.warning("%s: %s. Long rests are kept in memory only.", self.path, error.strerror or error)

    def _set_aside(self, path: Path, aside: Path) -> None:
        if self._database:
            self._database.close()
            self._database = None
        try:
            path.replace(aside)
            for journal in ("-wal", "-shm"):
                path.with_name(path.name + journal).unlink(missing_ok=True)
            self._read(path)
        except (OSError, sqlite3.DatabaseError) as error:
            self._database = None
            log.warning("%s: %s. Long rests are kept in memory only.", path, error)

    def _read(self, path: Path) -> None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its journal takes over the mode
        database = self._database = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.executescript(SCHEMA)
        with database:
            database.execute("DELETE FROM rests WHERE until < ?", (time.time(),))
            database.execute("INSERT INTO salt SELECT ? WHERE NOT EXISTS (SELECT * FROM salt)", (self.salt,))
        (self.salt,) = database.execute("SELECT value FROM salt").fetchone()
        found = [Row(*each) for each in database.execute("SELECT name, id, until, why FROM rests")]
        self.rows = {(row.name, row.id): row for row in found}

    def put(self, row: Row) -> None:
        self.rows[row.name, row.id] = row
        self._write("INSERT OR REPLACE INTO rests VALUES (?, ?, ?, ?)", row)

    def drop(self, name: str, id: str) -> None:
        if self.rows.pop((name, id), None):
            self._write("DELETE FROM rests WHERE name = ? AND id = ?", (name, id))

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        if self._database is None:
            return
        self._writer = self._writer or ThreadPoolExecutor(1, "idetour-rests")
        self._writer.submit(self._in_thread, self._database, statement, values)

    @staticmethod
    def _in_thread(database: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> None:
        try:
            with database:
                database.execute(statement, values)
        except sqlite3.Error as error:
            log.warning("A long rest was not written: %s", error)

    def close(self) -> None:
        """After what is still to be written; milliseconds."""
        if self._writer:
            self._writer.shutdown()
        if self._database:
            self._database.close()
        self._database = self._writer = None
