"""The store in PostgreSQL, shared by machines: the same promises as in one file, kept by row locks.

Numbers have no gaps, because an event takes its number by an update of its
task's row. Readers are woken by NOTIFY. A supervisor says every second that it
lives, as other machines cannot look; whoever falls silent is called lost. Times
are compared by the database's clock alone.
"""

import functools
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idetour.agent.store import Said, Task, Unwritable, encoded
from idetour.agent.tables import COLUMNS, RUNNING, Db, Tables, made, settings
from idetour.errors import SetupError
from idetour.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection, Cursor
    from psycopg_pool import ConnectionPool

    type Line = Connection[dict[str, Any]]

LOOK_SECONDS = 0.02
WAIT_SECONDS = 10.0  # for a connection: a restart of the database takes less
# A machine that vanished without a word is noticed within a minute, and by a write within 10 s.
KEPT_ALIVE: Mapping[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
LONGEST = 32 << 20  # bytes of a file that is kept
LOCK = 0x1DE70  # of those who submit, claim, or make the tables: one at a time
CHANNEL = "idetour_agent"
SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks(
  place BIGSERIAL PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL, spec BYTEA NOT NULL,
  tree TEXT COLLATE "C" NOT NULL, priority INT NOT NULL, created FLOAT8 NOT NULL, started FLOAT8, finished FLOAT8,
  owner TEXT, pid BIGINT, born TEXT, success BOOL, result TEXT, error TEXT, last BIGINT NOT NULL DEFAULT 0,
  key TEXT UNIQUE, digest TEXT NOT NULL, seen TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS idetour_by_status ON tasks(status, priority, place);
CREATE TABLE IF NOT EXISTS events(
  task TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE, seq BIGINT NOT NULL, at FLOAT8 NOT NULL,
  type TEXT NOT NULL, data BYTEA NOT NULL, PRIMARY KEY(task, seq));
CREATE TABLE IF NOT EXISTS files(
  task TEXT NOT NULL REFERENCES tasks(id) ON DELETE CASCADE, name TEXT NOT NULL, data BYTEA NOT NULL,
  PRIMARY KEY(task, name));
"""
# In one statement: each trip to a database elsewhere is a delay for whoever views. The braces take more columns.
APPEND = """
WITH task AS (
  UPDATE tasks SET last = last + :many, seen = now(){} WHERE id = :id RETURNING last),
put AS (
  INSERT INTO events SELECT :id, task.last - :many + said.at, :now, said.type, said.data
  FROM task, unnest(:types::text[], :data::bytea[]) WITH ORDINALITY AS said(type, data, at))
SELECT last, pg_notify(:channel, :id) FROM task
"""
SILENT = f"SELECT {COLUMNS} FROM tasks WHERE {RUNNING} AND seen < now() - :seconds * interval '1 s'"
KEEP = """
INSERT INTO files VALUES(:id, :name, :data) ON CONFLICT (task, name) DO UPDATE SET data = excluded.data
"""


@functools.cache
def spelled(statement: str) -> str:
    """As PostgreSQL and its driver spell it: tables with a prefix, for the database may be others' too; `%(id)s`."""
    prefixed = re.sub(r"\b(tasks|events|files)\b", r"idetour_\1", statement)
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", prefixed)


@dataclass(frozen=True, slots=True)
class Speller:
    """A connection that is told statements as tables.py writes them."""

    line: "Line"

    def execute(self, statement: str, values: Mapping[str, Any], /) -> "Cursor[dict[str, Any]]":
        return self.line.execute(spelled(statement), {name: writable(each) for name, each in values.items()})


def opened(url: Secret) -> "Postgres":
    """Raises SetupError where the extra is missing, or nobody answers."""
    try:
        import psycopg
        from psycopg_pool import ConnectionPool
    except ImportError:
        raise SetupError(
            "A shared database needs two more packages: pip install 'idetour[cluster]'"
        ) from None
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # each attempt at a connection, else
    try:
        # Once by hand: the pool would try for its whole time, and keep the reason to itself.
        with psycopg.connect(url.reveal(), connect_timeout=int(WAIT_SECONDS)) as first:
            first.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            first.execute(spelled(SCHEMA))
    except psycopg.Error as error:
        raise SetupError(f"The database of tasks cannot be used: {str(error).strip()}") from None
    pool: ConnectionPool[Line] = ConnectionPool(
        url.reveal(),
        min_size=1,
        max_size=4,
        open=True,
        timeout=WAIT_SECONDS,
        reconnect_timeout=WAIT_SECONDS,  # else it waits twice as long each time, and minutes after all is well again
        kwargs={"autocommit": True, "row_factory": psycopg.rows.dict_row, **KEPT_ALIVE},
    )
    return Postgres(url, pool)


class Postgres(Tables):
    """May be used by several threads at once."""

    locking = " FOR UPDATE"
    seen = ", seen = now()"

    def __init__(self, url: Secret, pool: "ConnectionPool[Line]") -> None:
        self._url, self._pool = url, pool
        self._ear: Line | None = None
        self._heard = 0

    def beat(self, id: str) -> Task | None:
        self._changed("UPDATE tasks SET seen = now() WHERE id = :id", id=id)
        return self.task(id)

    def silent(self, seconds: float) -> list[Task]:
        return [made(row) for row in self._read(SILENT, seconds=seconds)]

    def keep(self, id: str, file: Path) -> None:
        """The end of one that is too long."""
        try:
            with file.open("rb") as source:
                source.seek(max(0, file.stat().st_size - LONGEST))
                data = source.read(LONGEST)
        except OSError:
            return
        self._changed(KEEP, id=id, name=file.name, data=data)

    def kept(self, id: str, name: str) -> bytes | None:
        rows = self._read("SELECT data FROM files WHERE task = :id AND name = :name", id=id, name=name)
        return rows[0]["data"] if rows else None

    def version(self) -> int:
        """Asks nobody: what has been notified of lies in our own socket. For one thread."""
        import psycopg

        try:
            if self._ear is None:
                self._ear = psycopg.connect(
                    self._url.reveal(), autocommit=True, row_factory=psycopg.rows.dict_row, **KEPT_ALIVE
                )
                self._ear.execute(f"LISTEN {CHANNEL}")
                self._heard += 1  # what happened before is not told of
            self._heard += sum(1 for _ in self._ear.notifies(timeout=0))
        except psycopg.OperationalError as error:
            self._deaf()
            raise Unwritable(away(error)) from error
        return self._heard

    def close(self) -> None:
        self._deaf()
        self._pool.close()

    def _deaf(self) -> None:
        if self._ear:
            self._ear.close()
        self._ear = None

    def _read(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        with failing():
            try:
                return self._asked(statement, values)
            except broken():
                self._pool.check()  # those from before a restart are dead
                return self._asked(statement, values)

    def _asked(self, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        with self._pool.connection() as line:
            return Speller(line).execute(statement, values).fetchall()

    def _write[T](self, work: Callable[[Db], T]) -> T:
        """It is made once more where the connection broke.

        If that was while it was committed, the database is asked first what became of it: events would be there
        twice.
        """
        with failing():
            made: list[tuple[T, str]] = []  # the result, with the number of the transaction
            try:
                self._transact(work, made)
            except broken():
                self._pool.check()
                if not (made and made[0][1] and self._committed(made[0][1])):
                    made.clear()
                    self._transact(work, made)
            return made[0][0]

    def _transact[T](self, work: Callable[[Db], T], made: list[tuple[T, str]]) -> None:
        with self._pool.connection() as line, line.transaction():
            result = work(Speller(line))
            found = line.execute("SELECT pg_current_xact_id_if_assigned()::text AS id").fetchone()
            made.append((result, (found or {}).get("id") or ""))

    def _committed(self, number: str) -> bool:
        """What became of a transaction whose connection broke. The other end may still be at it."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            (found,) = self._read("SELECT pg_xact_status(:number::xid8) AS how", number=number)
            if found["how"] != "in progress" or time.monotonic() > until:
                return bool(found["how"] == "committed")
            time.sleep(LOOK_SECONDS)

    def _alone(self, db: Db) -> None:
        db.execute("SELECT pg_advisory_xact_lock(:lock)", {"lock": LOCK})

    def _append(self, db: Db, id: str, said: Sequence[Said], changes: Mapping[str, Any]) -> int:
        words, values = settings(changes)
        values |= {"id": id, "many": len(said), "now": time.time(), "channel": CHANNEL}
        values |= {"types": [type for type, _ in said], "data": [encoded(data) for _, data in said]}
        found = db.execute(APPEND.format(words), values).fetchone()
        return int(found["last"]) if found else 0  # else it was deleted


def writable(value: Any) -> Any:
    """PostgreSQL's texts hold no NUL."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def broken() -> type[Exception]:
    from psycopg import OperationalError

    return OperationalError


@contextmanager
def failing() -> Iterator[None]:
    """The pool's own time-outs are such errors too."""
    try:
        yield
    except broken() as error:
        raise Unwritable(away(error)) from error


def away(error: Exception) -> str:
    """The driver's message goes on with what it guesses."""
    return f"The database of tasks cannot be used now: {str(error).strip().partition('\n')[0]}."
