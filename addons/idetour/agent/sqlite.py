"""The store in one SQLite file, shared by all processes of this machine (write-ahead log, so readers never wait)."""

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from idetour.agent.store import (
    ACTIVE,
    END,
    LIVE,
    STATUSES,
    Conflict,
    Event,
    Full,
    Order,
    Spec,
    Status,
    Task,
    Unwritable,
    encoded,
    mended,
)
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
COLUMNS = (
    "id, status, spec, created, priority, started, finished, owner, pid, born, success, result, error, last"
)
# `tree` ends in a slash: one directory lies in another if its name begins with the other's.
CLAIM = """
UPDATE tasks SET status = 'starting', owner = :owner, started = :now WHERE place = (
  SELECT place FROM tasks AS next WHERE status = 'queued' AND (:only IS NULL OR id = :only) AND NOT EXISTS (
    SELECT 1 FROM tasks AS other WHERE other.status IN ('starting', 'running', 'cancelling') AND (
      substr(other.tree, 1, length(next.tree)) = next.tree OR substr(next.tree, 1, length(other.tree)) = other.tree))
  ORDER BY priority DESC, place LIMIT 1)
AND (SELECT count(*) FROM tasks WHERE status IN ('starting', 'running', 'cancelling')) < :limit
RETURNING id
"""


class Sqlite:
    """May be used by several threads, one at a time. Raises SetupError where the file cannot be opened."""

    def __init__(self, path: Path) -> None:
        try:
            private(path)
            self._db = connected(path)
        except (OSError, sqlite3.Error) as error:
            raise SetupError(f"The tasks cannot be kept in {path}: {error}.") from error
        self._db.row_factory = sqlite3.Row
        self._lock = threading.Lock()

    def submit(self, order: Order, *, most: int) -> Task:
        with self._writing() as db:
            if order.key:
                found = db.execute("SELECT id, digest FROM tasks WHERE key = ?", (order.key,)).fetchone()
                if found and found["digest"] != order.digest:
                    raise Conflict("This Idempotency-Key was used for another task.", code="key_reused")
                if found:
                    return self._one(found["id"])
            if db.execute("SELECT count(*) FROM tasks WHERE status = 'queued'").fetchone()[0] >= most:
                raise Full(
                    f"{most} tasks are waiting already. Try again later.", headers={"retry-after": "10"}
                )
            tree = order.spec.working_dir.rstrip("/") + "/"
            values = (order.id, msgspec.json.encode(order.spec), tree, order.priority, time.time())
            db.execute(
                "INSERT INTO tasks(id, status, spec, tree, priority, created, key, digest)"
                " VALUES(?, 'queued', ?, ?, ?, ?, ?, ?)",
                (*values, order.key, order.digest),
            )
            self._append(db, order.id, [("queued", {"message": "任务已排队"})], {})
            return self._one(order.id)

    def task(self, id: str) -> Task | None:
        found = self._read(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", id)
        return made(found[0]) if found else None

    def tasks(
        self, statuses: Collection[Status] = STATUSES, *, limit: int = 100, before: str | None = None
    ) -> list[Task]:
        marks = ", ".join("?" * len(statuses))
        rows = self._read(
            f"SELECT {COLUMNS} FROM tasks WHERE status IN ({marks}) AND (? IS NULL OR"
            " place < (SELECT place FROM tasks WHERE id = ?)) ORDER BY place DESC LIMIT ?",
            *statuses,
            before,
            before,
            limit,
        )
        return [made(row) for row in rows]

    def counts(self) -> dict[str, int]:
        rows = self._read("SELECT status, count(*) AS many FROM tasks GROUP BY status")
        return {row["status"]: row["many"] for row in rows}

    def claim(
        self, owner: str, *, limit: int, only: str | None = None, here: int | None = None
    ) -> Task | None:
        with self._writing() as db:
            asked = {"owner": owner, "now": time.time(), "limit": limit, "only": only}
            found = db.execute(CLAIM, asked).fetchone()
            return self._one(found["id"]) if found else None

    def begin(self, id: str, owner: str, *, pid: int, born: str) -> bool:
        with self._writing() as db:
            done = db.execute(
                "UPDATE tasks SET pid = ?, born = ?, status = iif(status = 'starting', 'running', status)"
                " WHERE id = ? AND owner = ? AND pid IS NULL AND status IN ('starting', 'cancelling')",
                (pid, born, id, owner),
            )
            return done.rowcount == 1

    def requeue(self, id: str, owner: str) -> bool:
        with self._writing() as db:
            done = db.execute(
                "UPDATE tasks SET status = 'queued', owner = NULL, started = NULL"
                " WHERE id = ? AND owner = ? AND pid IS NULL AND status = 'starting'",
                (id, owner),
            )
            return done.rowcount == 1

    def append(self, id: str, said: Sequence[tuple[str, dict[str, Any]]], **changes: Any) -> int:
        with self._writing() as db:
            return self._append(db, id, said, changes)

    def finish(self, id: str, said: Sequence[tuple[str, dict[str, Any]]], **changes: Any) -> bool:
        with self._writing() as db:
            if not self._one(id).live:
                return False
            self._append(db, id, said, {**changes, "finished": time.time()})
            return True

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        rows = self._read(
            "SELECT seq, at, type, data FROM events WHERE task = ? AND seq > ? ORDER BY seq LIMIT ?",
            id,
            after,
            limit,
        )
        return [Event(row["seq"], row["at"], row["type"], msgspec.json.decode(row["data"])) for row in rows]

    def cancel(self, id: str) -> Task | None:
        with self._writing() as db:
            found = db.execute("SELECT status FROM tasks WHERE id = ?", (id,)).fetchone()
            if found is None:
                return None
            if found["status"] == "queued":
                said: list[tuple[str, dict[str, Any]]] = [("stopped", {"message": "任务已取消"})]
                said += [(END, {"status": "cancelled"})]
                self._append(db, id, said, {"status": "cancelled", "success": False, "finished": time.time()})
            elif found["status"] in ACTIVE:
                db.execute("UPDATE tasks SET status = 'cancelling' WHERE id = ?", (id,))
            return self._one(id)

    def delete(self, id: str) -> None:
        with self._writing() as db:
            db.execute("DELETE FROM events WHERE task = ?", (id,))
            db.execute("DELETE FROM tasks WHERE id = ?", (id,))

    def beat(self, id: str) -> Task | None:
        return self.task(id)  # whether a process of this machine lives is asked of the machine

    def silent(self, seconds: float) -> list[Task]:
        return []

    def keep(self, id: str, file: Path) -> None:
        pass  # it lies where everybody finds it

    def kept(self, id: str, name: str) -> bytes | None:
        return None

    def ended_before(self, moment: float) -> list[str]:
        marks = ", ".join("?" * len(LIVE))
        rows = self._read(
            f"SELECT id FROM tasks WHERE finished < ? AND status NOT IN ({marks})", moment, *LIVE
        )
        return [row["id"] for row in rows]

    def version(self) -> int:
        return int(self._read("PRAGMA data_version")[0][0])

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _one(self, id: str) -> Task:
        return made(self._db.execute(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", (id,)).fetchone())

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock, failing():
            return self._db.execute(query, values).fetchall()

    def _append(
        self,
        db: sqlite3.Connection,
        id: str,
        said: Sequence[tuple[str, dict[str, Any]]],
        changes: dict[str, Any],
    ) -> int:
        set_all = ", ".join(["last = last + ?", *(f"{name} = ?" for name in changes)])
        values = (len(said), *map(mended, changes.values()), id)
        last = db.execute(f"UPDATE tasks SET {set_all} WHERE id = ? RETURNING last", values).fetchone()
        if last is None:  # it was deleted
            return 0
        first, now = last[0] - len(said) + 1, time.time()
        rows = ((id, seq, now, type, encoded(data)) for seq, (type, data) in enumerate(said, first))
        db.executemany("INSERT INTO events VALUES(?, ?, ?, ?, ?)", rows)
        return int(last[0])

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; what raises undoes it."""
        with self._lock, failing():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it already
                    self._db.rollback()
                raise
            self._db.commit()


def connected(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error for what is no database of ours."""
    made = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA synchronous = NORMAL")
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


def made(row: sqlite3.Row) -> Task:
    values = dict(row)
    success = values.pop("success")
    spec = msgspec.json.decode(values.pop("spec"), type=Spec)
    return Task(**values, spec=spec, success=None if success is None else bool(success))
