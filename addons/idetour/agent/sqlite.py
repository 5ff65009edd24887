"""The store in one SQLite file, shared by all processes of this machine (write-ahead log, so readers never wait)."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from idetour import disk
from idetour.agent.store import Said, Task, Unwritable, encoded
from idetour.agent.tables import Db, Tables, settings
from idetour.errors import SetupError

BUSY_SECONDS = 10.0  # that a write waits for another
SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks(
  place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, spec BLOB NOT NULL,
  tree TEXT NOT NULL, priority INTEGER NOT NULL, created REAL NOT NULL, started REAL, finished REAL,
  owner TEXT, pid INTEGER, born TEXT, success INTEGER, result TEXT, error TEXT, last INTEGER NOT NULL DEFAULT 0,
  key TEXT UNIQUE, digest TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_status ON tasks(status, priority, place);
CREATE TABLE IF NOT EXISTS events(
  task TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, type TEXT NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY(task, seq)) WITHOUT ROWID;
"""
ADD_EVENT = "INSERT INTO events VALUES(?, ?, ?, ?, ?)"


class Sqlite(Tables):
    """May be used by several threads, one at a time. Raises SetupError where the file cannot be opened."""

    def __init__(self, path: Path) -> None:
        try:
            private(path)
            self._db = connected(path)
        except (OSError, sqlite3.Error) as error:
            raise SetupError(f"The tasks cannot be kept in {path}: {error}.") from error
        self._db.row_factory = sqlite3.Row
        self._lock = threading.Lock()

    def beat(self, id: str) -> Task | None:
        return self.task(id)  # whether a process of this machine lives is asked of the machine

    def silent(self, seconds: float) -> list[Task]:
        return []

    def keep(self, id: str, file: Path) -> None:
        pass  # it lies where everybody finds it

    def kept(self, id: str, name: str) -> bytes | None:
        return None

    def version(self) -> int:
        return int(self._read("PRAGMA data_version")[0][0])

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _read(self, statement: str, **values: Any) -> list[sqlite3.Row]:
        with self._lock, failing():
            return self._db.execute(statement, values).fetchall()

    def _write[T](self, work: Callable[[Db], T]) -> T:
        with self._lock, failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                result = work(self._db)
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it already
                    self._db.rollback()
                raise
            self._db.commit()
            return result

    def _alone(self, db: Db) -> None:
        pass  # whoever writes is

    def _append(self, db: Db, id: str, said: Sequence[Said], changes: Mapping[str, Any]) -> int:
        words, values = settings(changes)
        values |= {"many": len(said), "id": id}
        update = f"UPDATE tasks SET last = last + :many{words} WHERE id = :id RETURNING last"
        found = db.execute(update, values).fetchone()
        if found is None:  # it was deleted
            return 0
        first, now = found["last"] - len(said) + 1, time.time()
        rows = ((id, seq, now, type, encoded(data)) for seq, (type, data) in enumerate(said, first))
        self._db.executemany(ADD_EVENT, rows)
        return int(found["last"])


def connected(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error for what is no database of ours."""
    made = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        disk.write_ahead(made, seconds=BUSY_SECONDS)
        made.executescript(SCHEMA)
    except BaseException:
        made.close()
        raise
    return made


def private(path: Path) -> None:
    """Make the file before SQLite makes one that others may read.

    One that is there is not opened: closing it would drop the locks of every connection that this process has to
    it (fcntl(2)), and another process would then throw away the log that we write.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def failing() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unwritable(f"What happens to tasks cannot be written: {error}.") from error
