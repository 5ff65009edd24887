"""Usage on disk, written by a thread of its own: a stream never waits for it.

Requests that have ended are written together, at most a quarter of a second
late: each waking of the thread would make the event loop wait for it. Reading
comes through the same thread, so it sees all that was handed in before. A full
disk or a locked file costs one warning: what could not be written is tried again
with what comes next, and dropped, and counted, when there is too much of it.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from idetour.usage import retention, sums
from idetour.usage.database import opened
from idetour.usage.row import Attempt, Entry, Row

log = logging.getLogger("idetour")

FILE = "usage.sqlite"
BATCH_SECONDS = 0.25
MOST_WAITING = 5_000  # requests that are held until they can be written
TIDY_SECONDS = 600.0

ADD_REQUEST = f"INSERT OR IGNORE INTO requests VALUES ({', '.join('?' * len(Row.__slots__))})"
ADD_ATTEMPT = f"INSERT OR IGNORE INTO attempts VALUES (?, {', '.join('?' * len(Attempt.__slots__))})"
ADD_BODIES = "INSERT OR REPLACE INTO bodies VALUES (?, ?, ?, ?, ?)"

type Finish = Callable[[Entry], Entry]
type Job = Callable[[sqlite3.Connection], object]  # what the thread does, one after the other


@dataclass(slots=True)
class Store:
    """`path` None: in memory. Its thread begins with the first entry or question."""

    path: Path | None = None
    dropped: int = 0  # requests that were never written
    problem: str | None = None  # why nothing can be written at the moment
    _jobs: queue.SimpleQueue[Job] = field(default_factory=queue.SimpleQueue)
    _unwritten: list[Entry] = field(default_factory=list)  # the thread's own, as the next
    _asked: list[Job] = field(default_factory=list)  # to be answered after the next write
    _urgent: threading.Event = field(default_factory=threading.Event)  # somebody waits for an answer
    _thread: threading.Thread | None = None
    _closed: bool = False

    def add(self, entry: Entry, *, finish: Finish | None = None) -> None:
        """Write it soon, as `finish`, which may take a while, makes it in the thread. Never waits, never raises."""
        if self._full():
            self.dropped += 1
        else:
            self._hand_in(lambda _: self._unwritten.append(finished(entry, finish) if finish else entry))

    def do(self, work: Callable[[], object]) -> None:
        """Have it done in the thread, as far as there is room: something that takes a while and may be left out."""
        if not self._full():
            self._hand_in(lambda _: work())

    async def read[T](self, query: Callable[[sqlite3.Connection], T]) -> T:
        """What `query` finds, after all that was added before. It runs in the thread."""
        if self._closed:
            raise sqlite3.OperationalError("usage is closed: idetour ends")
        answer: Future[T] = Future()

        def ask(database: sqlite3.Connection) -> None:
            try:
                answer.set_result(query(database))
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked
                answer.set_exception(error)

        self._hand_in(lambda _: self._asked.append(ask))
        self._urgent.set()
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """After what is still to be written; milliseconds, but for a file that another process has locked."""
        self._closed = True
        if self._thread:
            self._jobs.put(lambda _: None)  # it wakes
            self._urgent.set()
            self._thread.join()

    def _hand_in(self, job: Job) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="idetour-usage", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def _full(self) -> bool:
        return self._closed or self._jobs.qsize() >= MOST_WAITING

    def _run(self) -> None:
        tidy = 0.0
        with closing(opened(self.path)) as database:
            while not (self._closed and self._jobs.empty()):
                for job in self._batch():
                    carried_out(job, database)
                self._write(database)
                while self._asked:
                    carried_out(self._asked.pop(0), database)
                if time.monotonic() > tidy:
                    tidy = time.monotonic() + TIDY_SECONDS
                    self._tidied(database)
        self.dropped += len(self._unwritten)

    def _batch(self) -> Iterator[Job]:
        """What came in a quarter of a second, or until somebody waits for an answer.

        Nothing where nothing comes, if there is something to be tried again.
        """
        with suppress(queue.Empty):
            yield self._jobs.get(timeout=BATCH_SECONDS if self._unwritten else None)
            self._urgent.wait(BATCH_SECONDS)
            self._urgent.clear()
            while True:
                yield self._jobs.get_nowait()

    def _write(self, database: sqlite3.Connection) -> None:
        """All that is to be written, together; it stays where the database says no."""
        entries = self._unwritten
        if not entries:
            return
        try:
            with database:
                write(database, entries)
        except sqlite3.Error as error:
            if self.problem is None:
                log.warning("Usage is not written at the moment: %s: %s", self.path or "in memory", error)
            self.problem = str(error)
            late = max(0, len(entries) - MOST_WAITING)
            self.dropped += late
            del entries[:late]
            return
        except Exception:  # a fault of ours, as a text that is none: without these the next can be written
            log.exception("%d requests are missing in usage through a fault of idetour's own", len(entries))
            self.dropped += len(entries)
        else:
            if self.problem is not None:
                log.warning("Usage is written again; %d requests are missing in it.", self.dropped)
            self.problem = None
        entries.clear()

    def _tidied(self, database: sqlite3.Connection) -> None:
        with suppress(sqlite3.Error):  # the next time will do
            retention.tidy(database, time.time(), in_memory=self.path is None)


def finished(entry: Entry, finish: Finish) -> Entry:
    """The entry as it is to be written; as it was where that fails."""
    try:
        return finish(entry)
    except Exception:  # a fault of ours costs no other request its row
        log.exception("%s is kept as it was known at its end", entry.row.id)
        return entry


def carried_out(job: Job, database: sqlite3.Connection) -> None:
    try:
        job(database)
    except Exception:  # as above
        log.exception("a job of the usage store failed through a fault of idetour's own")


def write(database: sqlite3.Connection, entries: list[Entry]) -> None:
    """All of them, in the caller's transaction."""
    before = database.total_changes
    new = []
    for entry in entries:
        database.execute(ADD_REQUEST, values(entry))
        if database.total_changes > before:  # not the second time that it was handed in
            new.append(entry)
        before = database.total_changes
    attempts = [(entry.row.id, *astuple(each)) for entry in new for each in entry.attempts]
    database.executemany(ADD_ATTEMPT, attempts)
    now = time.time()
    bodies = [
        (entry.row.id, now, said.request, said.answer, said.cut)
        for entry in new
        if (said := entry.bodies) is not None
    ]
    database.executemany(ADD_BODIES, bodies)
    sums.add(database, [entry.row for entry in new])


def values(entry: Entry) -> tuple[Any, ...]:
    """A request as the table's columns."""
    row = entry.row
    tokens = msgspec.json.encode(row.tokens).decode() if row.tokens else None
    made = {name: getattr(row, name) for name in row.__slots__}
    made |= {"tokens": tokens, "changed": msgspec.json.encode(row.changed).decode()}
    return tuple(made.values())
