"""The store as tables: what is the same in every SQL database stands here once.

Statements name their values, `:id`. A database says for itself how it makes its
tables, reads, writes, and adds events; `locking` and `seen` are the words that
only some of them need.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol

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
    Said,
    Spec,
    Status,
    Task,
    mended,
)

type Row = Any  # columns by name

COLUMNS = ", ".join(Task.__struct_fields__)
RUNNING = f"status IN {ACTIVE}"  # a tuple of words looks in SQL as it does in Python
ONE = f"SELECT {COLUMNS} FROM tasks WHERE id = :id"
ADD = """
INSERT INTO tasks(id, status, spec, tree, priority, created, key, digest)
VALUES(:id, 'queued', :spec, :tree, :priority, :now, :key, :digest)
"""
LIST = f"""
SELECT {COLUMNS} FROM tasks WHERE status IN ({{}})
AND (CAST(:before AS TEXT) IS NULL OR place < (SELECT place FROM tasks WHERE id = :before))
ORDER BY place DESC LIMIT :limit
"""
# `tree` ends in a slash: one directory lies in another if its name begins with the other's.
CLAIM = f"""
UPDATE tasks SET status = 'starting', owner = :owner, started = :now{{seen}} WHERE place = (
  SELECT place FROM tasks AS next WHERE status = 'queued' AND (CAST(:only AS TEXT) IS NULL OR id = :only)
  AND NOT EXISTS (SELECT 1 FROM tasks AS other WHERE {RUNNING} AND (
    substr(other.tree, 1, length(next.tree)) = next.tree OR substr(next.tree, 1, length(other.tree)) = other.tree))
  ORDER BY priority DESC, place LIMIT 1{{locking}})
AND (SELECT count(*) FROM tasks WHERE {RUNNING}) < :limit
AND (CAST(:here AS INTEGER) IS NULL OR (SELECT count(*) FROM tasks
  WHERE {RUNNING} AND substr(owner, 1, length(:machine)) = :machine) < :here)
RETURNING {COLUMNS}
"""
BEGIN = """
UPDATE tasks SET pid = :pid, born = :born, status = CASE status WHEN 'starting' THEN 'running' ELSE status END{seen}
WHERE id = :id AND owner = :owner AND pid IS NULL AND status IN ('starting', 'cancelling')
"""
REQUEUE = """
UPDATE tasks SET status = 'queued', owner = NULL, started = NULL
WHERE id = :id AND owner = :owner AND pid IS NULL AND status = 'starting'
"""
EVENTS = "SELECT seq, at, type, data FROM events WHERE task = :id AND seq > :after ORDER BY seq LIMIT :limit"


class Answer(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Row | None: ...


class Db(Protocol):
    """A connection, in a transaction."""

    def execute(self, statement: str, values: Mapping[str, Any], /) -> Answer: ...


class Tables(ABC):
    """A `Store`, but for what each database says for itself."""

    locking: ClassVar[str] = ""  # ends a SELECT: nobody changes its row before the transaction ends
    seen: ClassVar[str] = ""  # set with other columns: who works at the task has been heard of

    @abstractmethod
    def _read(self, statement: str, **values: Any) -> list[Row]: ...

    @abstractmethod
    def _write[T](self, work: Callable[[Db], T]) -> T:
        """Do it in one transaction, perhaps twice if the first was undone; what raises undoes it."""

    @abstractmethod
    def _append(self, db: Db, id: str, said: Sequence[Said], changes: Mapping[str, Any]) -> int:
        """Add events with the next numbers, and change columns; the number of the last, 0 if there is no such task."""

    @abstractmethod
    def _alone(self, db: Db) -> None:
        """Until the transaction ends nobody else may submit or claim."""

    def submit(self, order: Order, *, most: int) -> Task:
        def work(db: Db) -> Task:
            self._alone(db)
            if order.key and (known := self._known(db, order.key, order.digest)):
                return known
            waiting = db.execute("SELECT count(*) AS many FROM tasks WHERE status = 'queued'", {}).fetchone()
            if waiting and waiting["many"] >= most:
                raise Full(
                    f"{most} tasks are waiting already. Try again later.", headers={"retry-after": "10"}
                )
            db.execute(ADD, columns(order))
            self._append(db, order.id, [("queued", {"message": "任务已排队"})], {})
            return self._one(db, order.id)

        return self._write(work)

    def task(self, id: str) -> Task | None:
        found = self._read(ONE, id=id)
        return made(found[0]) if found else None

    def tasks(
        self, statuses: Collection[Status] = STATUSES, *, limit: int = 100, before: str | None = None
    ) -> list[Task]:
        asked = {f"status{number}": status for number, status in enumerate(statuses)}
        marks = ", ".join(f":{name}" for name in asked)
        rows = self._read(LIST.format(marks or "NULL"), **asked, before=before, limit=limit)
        return [made(row) for row in rows]

    def counts(self) -> dict[str, int]:
        rows = self._read("SELECT status, count(*) AS many FROM tasks GROUP BY status")
        return {row["status"]: row["many"] for row in rows}

    def claim(
        self, owner: str, *, limit: int, only: str | None = None, here: int | None = None
    ) -> Task | None:
        # Most looks find nothing, and need no lock for that.
        if limit <= 0 or not self._read("SELECT 1 FROM tasks WHERE status = 'queued' LIMIT 1"):
            return None
        machine = owner.partition(":")[0] + ":"
        asked = {"owner": owner, "machine": machine, "now": time.time()}
        asked |= {"limit": limit, "here": here, "only": only}

        def work(db: Db) -> Task | None:
            self._alone(db)
            found = db.execute(CLAIM.format(seen=self.seen, locking=self.locking), asked).fetchone()
            return made(found) if found else None

        return self._write(work)

    def begin(self, id: str, owner: str, *, pid: int, born: str) -> bool:
        return self._changed(BEGIN.format(seen=self.seen), id=id, owner=owner, pid=pid, born=born)

    def requeue(self, id: str, owner: str) -> bool:
        return self._changed(REQUEUE, id=id, owner=owner)

    def append(self, id: str, said: Sequence[Said], **changes: Any) -> int:
        return self._write(lambda db: self._append(db, id, said, changes))

    def finish(self, id: str, said: Sequence[Said], **changes: Any) -> bool:
        def work(db: Db) -> bool:
            if self._status(db, id) not in LIVE:
                return False
            self._append(db, id, said, {**changes, "finished": time.time()})
            return True

        return self._write(work)

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        rows = self._read(EVENTS, id=id, after=after, limit=limit)
        return [Event(row["seq"], row["at"], row["type"], msgspec.json.decode(row["data"])) for row in rows]

    def cancel(self, id: str) -> Task | None:
        def work(db: Db) -> Task | None:
            status = self._status(db, id)
            if status is None:
                return None
            if status == "queued":
                said: list[Said] = [("stopped", {"message": "任务已取消"}), (END, {"status": "cancelled"})]
                self._append(db, id, said, {"status": "cancelled", "success": False, "finished": time.time()})
            elif status in ("starting", "running"):
                self._append(db, id, [], {"status": "cancelling"})  # and all who listen hear of it
            return self._one(db, id)

        return self._write(work)

    def delete(self, id: str) -> None:
        def work(db: Db) -> None:
            db.execute("DELETE FROM events WHERE task = :id", {"id": id})
            db.execute("DELETE FROM tasks WHERE id = :id", {"id": id})

        self._write(work)

    def ended_before(self, moment: float) -> list[str]:
        rows = self._read(
            f"SELECT id FROM tasks WHERE finished < :moment AND status NOT IN {LIVE}", moment=moment
        )
        return [row["id"] for row in rows]

    def _known(self, db: Db, key: str, digest: str) -> Task | None:
        """The task that a key stands for already."""
        found = db.execute("SELECT id, digest FROM tasks WHERE key = :key", {"key": key}).fetchone()
        if found and found["digest"] != digest:
            raise Conflict("This Idempotency-Key was used for another task.", code="key_reused")
        return self._one(db, found["id"]) if found else None

    def _one(self, db: Db, id: str) -> Task:
        return made(db.execute(ONE, {"id": id}).fetchone())

    def _status(self, db: Db, id: str) -> Status | None:
        """How the task stands, and will until the transaction ends; None: there is none."""
        found = db.execute(f"SELECT status FROM tasks WHERE id = :id{self.locking}", {"id": id}).fetchone()
        return found["status"] if found else None

    def _changed(self, statement: str, **values: Any) -> bool:
        return self._write(lambda db: db.execute(statement, values).rowcount == 1)


def columns(order: Order) -> dict[str, Any]:
    """An order as the values of ADD."""
    return {
        "id": order.id,
        "spec": msgspec.json.encode(order.spec),
        "tree": order.spec.working_dir.rstrip("/") + "/",
        "priority": order.priority,
        "now": time.time(),
        "key": order.key,
        "digest": order.digest,
    }


def settings(changes: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Changed columns as words of an UPDATE that sets others before them, and the values that they name."""
    words = "".join(f", {name} = :new_{name}" for name in changes)
    return words, {f"new_{name}": mended(value) for name, value in changes.items()}


def made(row: Row) -> Task:
    values = dict(row)
    spec, success = msgspec.json.decode(values.pop("spec"), type=Spec), values.pop("success")
    return Task(**values, spec=spec, success=None if success is None else bool(success))
