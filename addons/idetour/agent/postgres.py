"""The store in PostgreSQL, shared by machines: the same promises as in one file, kept by row locks.

Numbers have no gaps, because an event takes its number by an update of its
task's row. Readers are woken by NOTIFY. A supervisor says every second that it
lives, as other machines cannot look; whoever falls silent is called lost. Times
are compared by the database's clock alone.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    Status,
    Task,
    Unwritable,
)
from idetour.agent.tables import CHANNEL, CLAIM, COLUMNS, SCHEMA, append, made, one
from idetour.errors import SetupError
from idetour.secret import Secret

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

    type Db = Connection[dict[str, Any]]

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
LOCK = 0x1DE70  # of those who claim, or make the tables: one at a time


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
            first.execute(SCHEMA)
    except psycopg.Error as error:
        raise SetupError(f"The database of tasks cannot be used: {str(error).strip()}") from None
    pool: ConnectionPool[Db] = ConnectionPool(
        url.reveal(),
        min_size=1,
        max_size=4,
        open=True,
        timeout=WAIT_SECONDS,
        kwargs={"autocommit": True, "row_factory": psycopg.rows.dict_row, **KEPT_ALIVE},
    )
    return Postgres(url, pool)


class Postgres:
    """May be used by several threads at once."""

    def __init__(self, url: Secret, pool: "ConnectionPool[Db]") -> None:
        self._url, self._pool = url, pool
        self._ear: Db | None = None
        self._heard = 0

    def submit(self, order: Order, *, most: int) -> Task:
        def work(db: "Db") -> Task:
            db.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            if order.key:
                found = db.execute(
                    "SELECT id, digest FROM idetour_tasks WHERE key = %s", (order.key,)
                ).fetchone()
                if found and found["digest"] != order.digest:
                    raise Conflict("This Idempotency-Key was used for another task.", code="key_reused")
                if found:
                    return one(db, found["id"])
            waiting = db.execute("SELECT count(*) AS n FROM idetour_tasks WHERE status = 'queued'").fetchone()
            if waiting and waiting["n"] >= most:
                raise Full(
                    f"{most} tasks are waiting already. Try again later.", headers={"retry-after": "10"}
                )
            tree = order.spec.working_dir.rstrip("/") + "/"
            values = (order.id, msgspec.json.encode(order.spec), tree, order.priority, time.time())
            db.execute(
                "INSERT INTO idetour_tasks(id, status, spec, tree, priority, created, key, digest)"
                " VALUES(%s, 'queued', %s, %s, %s, %s, %s, %s)",
                (*values, order.key, order.digest),
            )
            append(db, order.id, [("queued", {"message": "任务已排队"})], {})
            return one(db, order.id)

        return self._write(work)

    def task(self, id: str) -> Task | None:
        found = self._read(f"SELECT {COLUMNS} FROM idetour_tasks WHERE id = %s", id)
        return made(found[0]) if found else None

    def tasks(
        self, statuses: Collection[Status] = STATUSES, *, limit: int = 100, before: str | None = None
    ) -> list[Task]:
        rows = self._read(
            f"SELECT {COLUMNS} FROM idetour_tasks WHERE status = ANY(%s) AND (%s::text IS NULL OR"
            " place < (SELECT place FROM idetour_tasks WHERE id = %s)) ORDER BY place DESC LIMIT %s",
            list(statuses),
            before,
            before,
            limit,
        )
        return [made(row) for row in rows]

    def counts(self) -> dict[str, int]:
        rows = self._read("SELECT status, count(*) AS many FROM idetour_tasks GROUP BY status")
        return {row["status"]: row["many"] for row in rows}

    def claim(
        self, owner: str, *, limit: int, only: str | None = None, here: int | None = None
    ) -> Task | None:
        if limit <= 0 or not self._read("SELECT 1 FROM idetour_tasks WHERE status = 'queued' LIMIT 1"):
            return None
        asked = {
            "owner": owner,
            "machine": owner.partition(":")[0] + ":",
            "now": time.time(),
            "active": list(ACTIVE),
            "limit": limit,
            "here": here,
            "only": only,
        }

        def work(db: "Db") -> Task | None:
            db.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            found = db.execute(CLAIM, asked).fetchone()
            return made(found) if found else None

        return self._write(work)

    def begin(self, id: str, owner: str, *, pid: int, born: str) -> bool:
        return self._changed(
            "UPDATE idetour_tasks SET pid = %s, born = %s, seen = now(),"
            " status = CASE status WHEN 'starting' THEN 'running' ELSE status END"
            " WHERE id = %s AND owner = %s AND pid IS NULL AND status IN ('starting', 'cancelling')",
            *(pid, born, id, owner),
        )

    def requeue(self, id: str, owner: str) -> bool:
        return self._changed(
            "UPDATE idetour_tasks SET status = 'queued', owner = NULL, started = NULL"
            " WHERE id = %s AND owner = %s AND pid IS NULL AND status = 'starting'",
            *(id, owner),
        )

    def append(self, id: str, said: Sequence[tuple[str, dict[str, Any]]], **changes: Any) -> int:
        return self._write(lambda db: append(db, id, said, changes))

    def finish(self, id: str, said: Sequence[tuple[str, dict[str, Any]]], **changes: Any) -> bool:
        def work(db: "Db") -> bool:
            found = db.execute("SELECT status FROM idetour_tasks WHERE id = %s FOR UPDATE", (id,)).fetchone()
            if not found or found["status"] not in LIVE:
                return False
            append(db, id, said, {**changes, "finished": time.time()})
            return True

        return self._write(work)

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        rows = self._read(
            "SELECT seq, at, type, data FROM idetour_events WHERE task = %s AND seq > %s ORDER BY seq LIMIT %s",
            *(id, after, limit),
        )
        return [Event(row["seq"], row["at"], row["type"], msgspec.json.decode(row["data"])) for row in rows]

    def cancel(self, id: str) -> Task | None:
        def work(db: "Db") -> Task | None:
            found = db.execute("SELECT status FROM idetour_tasks WHERE id = %s FOR UPDATE", (id,)).fetchone()
            if found is None:
                return None
            if found["status"] == "queued":
                said: list[tuple[str, dict[str, Any]]] = [("stopped", {"message": "任务已取消"})]
                said += [(END, {"status": "cancelled"})]
                append(db, id, said, {"status": "cancelled", "success": False, "finished": time.time()})
            elif found["status"] in ACTIVE:
                db.execute("UPDATE idetour_tasks SET status = 'cancelling' WHERE id = %s", (id,))
            return one(db, id)

        return self._write(work)

    def delete(self, id: str) -> None:
        self._changed("DELETE FROM idetour_tasks WHERE id = %s", id)

    def beat(self, id: str) -> Task | None:
        self._changed("UPDATE idetour_tasks SET seen = now() WHERE id = %s", id)
        return self.task(id)

    def silent(self, seconds: float) -> list[Task]:
        rows = self._read(
            f"SELECT {COLUMNS} FROM idetour_tasks WHERE status = ANY(%s) AND seen < now() - %s * interval '1 s'",
            *(list(ACTIVE), seconds),
        )
        return [made(row) for row in rows]

    def keep(self, id: str, file: Path) -> None:
        """The end of one that is too long."""
        try:
            with file.open("rb") as source:
                source.seek(max(0, file.stat().st_size - LONGEST))
                data = source.read(LONGEST)
        except OSError:
            return
        self._changed(
            "INSERT INTO idetour_files VALUES(%s, %s, %s) ON CONFLICT (task, name) DO UPDATE SET data = excluded.data",
            *(id, file.name, data),
        )

    def kept(self, id: str, name: str) -> bytes | None:
        rows = self._read("SELECT data FROM idetour_files WHERE task = %s AND name = %s", id, name)
        return rows[0]["data"] if rows else None

    def ended_before(self, moment: float) -> list[str]:
        rows = self._read(
            "SELECT id FROM idetour_tasks WHERE finished < %s AND status <> ALL(%s)", moment, list(LIVE)
        )
        return [row["id"] for row in rows]

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
            raise Unwritable(f"The database does not answer: {error}") from error
        return self._heard

    def close(self) -> None:
        self._deaf()
        self._pool.close()

    def _deaf(self) -> None:
        if self._ear:
            self._ear.close()
        self._ear = None

    def _read(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with failing():
            try:
                return self._asked(query, *values)
            except broken():
                self._pool.check()  # those from before a restart are dead
                return self._asked(query, *values)

    def _asked(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with self._pool.connection() as db:
            return db.execute(query, values).fetchall()

    def _changed(self, query: str, *values: Any) -> bool:
        def work(db: "Db") -> bool:
            return db.execute(query, values).rowcount == 1

        return self._write(work)

    def _write[T](self, work: "Callable[[Db], T]") -> T:
        """One transaction; what raises undoes it. It is made once more where the connection broke.

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

    def _transact[T](self, work: "Callable[[Db], T]", made: list[tuple[T, str]]) -> None:
        with self._pool.connection() as db, db.transaction():
            result = work(db)
            found = db.execute("SELECT pg_current_xact_id_if_assigned()::text AS id").fetchone()
            made.append((result, (found or {}).get("id") or ""))

    def _committed(self, number: str) -> bool:
        """What became of a transaction whose connection broke. The other end may still be at it."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            (found,) = self._read("SELECT pg_xact_status(%s::xid8) AS how", number)
            if found["how"] != "in progress" or time.monotonic() > until:
                return bool(found["how"] == "committed")
            time.sleep(LOOK_SECONDS)


def broken() -> type[Exception]:
    from psycopg import OperationalError

    return OperationalError


@contextmanager
def failing() -> Iterator[None]:
    """The pool's own time-outs are such errors too."""
    try:
        yield
    except broken() as error:
        raise Unwritable(f"What happens to tasks cannot be written: {str(error).strip()}") from error
