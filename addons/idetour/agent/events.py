"""Events to whoever listens: numbered, replayed from where a client left off, and one read of the store for all.

A thread looks every 20 ms whether anybody has written, reads the new events of
the tasks that are watched, and hands them to the loop. So two hundred viewers
of a task cost one query, and a slow one holds up nobody: who falls behind the
newest 2,000 reads from the store again.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import msgspec

from idetour.agent.store import END, Event, Store, Unwritable

LOOK_SECONDS = 0.02
PING_SECONDS = 15.0
KEPT = 2000  # events of a watched task
PAGE = 500  # events that are read at a time
RETRY = b"retry: 1000\n\n"  # milliseconds until a client comes back
PING = b": ping\n\n"


def line(event: Event, task: str, *, named: bool = False) -> bytes:
    """One event on the wire. Without a name: a browser's `onmessage` hears no other."""
    data = msgspec.json.encode(event.shown(task))
    head = f"id: {event.seq}\n" + (f"event: {event.type}\n" if named else "")
    return head.encode() + b"data: " + data + b"\n\n"


@dataclass(slots=True)
class Watched:
    """A task that somebody views."""

    last: int = 0
    viewers: int = 0
    recent: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, events: list[Event]) -> None:
        fresh = [event for event in events if event.seq > self.last]
        if fresh:
            self.recent += fresh
            self.last = fresh[-1].seq
            self.news.set()
            self.news = asyncio.Event()

    def after(self, seq: int) -> list[Event] | None:
        """What is kept of the events after `seq`; None where the first of them is not."""
        if seq >= self.last:
            return []
        if not self.recent or self.recent[0].seq > seq + 1:
            return None
        return [event for event in self.recent if event.seq > seq]


class Feed:
    """All that is watched by viewers of this process. `opened` gives a store for the thread alone."""

    def __init__(self, store: Store, opened: Callable[[], Store]) -> None:
        self._store = store
        self._opened = opened
        self._tasks: dict[str, Watched] = {}
        self._loop = asyncio.get_running_loop()
        self._ending = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._look, name="events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._wanted.set()
        self._thread.join()

    async def follow(self, task: str, after: int) -> AsyncIterator[Event | None]:
        """The events after a number until the last one; None whenever there was nothing for a while."""
        with self._watching(task) as watched:
            while True:
                news = watched.news
                found = watched.after(after) if watched.last else None
                if found is None:
                    found = await asyncio.to_thread(self._store.events, task, after=after, limit=PAGE)
                for event in found:
                    after = event.seq
                    yield event
                    if event.type == END:
                        return
                if not found:
                    try:
                        await asyncio.wait_for(news.wait(), PING_SECONDS)
                    except TimeoutError:
                        yield None

    @contextmanager
    def _watching(self, task: str) -> Iterator[Watched]:
        watched = self._tasks.setdefault(task, Watched())
        watched.viewers += 1
        self._wanted.set()
        try:
            yield watched
        finally:
            watched.viewers -= 1
            if not watched.viewers:
                self._tasks.pop(task, None)
            if not self._tasks:
                self._wanted.clear()

    def _look(self) -> None:
        """The thread."""
        store = self._opened()
        version = -1
        try:
            while not self._ending.wait(LOOK_SECONDS):
                self._wanted.wait()
                with suppress(Unwritable):
                    tasks = list(self._tasks.items())
                    new = any(not watched.last for _, watched in tasks)
                    if (seen := store.version()) == version and not new:
                        continue
                    version = seen
                    for task, watched in tasks:
                        if found := store.events(task, after=watched.last, limit=PAGE):
                            self._loop.call_soon_threadsafe(watched.add, found)
                            if len(found) == PAGE:
                                version = -1  # there is more
        finally:
            store.close()
