"""What happens, told live to whoever listens: pages, `idetour status --watch`, others.

The last events are kept with their numbers, so that a listener who comes back
gets what it missed. One who cannot keep up is sent away rather than waited
for: it comes back, and is told where something is missing. While nobody
listens nothing is made: most of the time no page is open.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

KEPT = 1_000  # events
KEPT_BYTES = 2 << 20
MOST_BEHIND = 500  # events that a listener may be late
MOST_LISTENERS = 100
BACK_SECONDS = 60.0  # within which a listener who left comes back, if it does


class Item(NamedTuple):
    number: int
    data: bytes  # a JSON object with its `type`


class Full(Exception):
    """There are too many listeners."""


@dataclass(slots=True, eq=False)
class Listener:
    """`late`: it has missed something, and nothing more comes."""

    late: bool = False
    _queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(MOST_BEHIND))

    def tell(self, item: Item) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.late = True

    async def next(self, seconds: float) -> Item | None:
        """The next event; None where none comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._queue.get()
        except TimeoutError:
            return None


@dataclass(slots=True)
class News:
    """`boot` tells the numbers of this process from those of one before it."""

    boot: str = field(default_factory=lambda: secrets.token_hex(4))
    last: int | None = None  # the number of the event after which nothing comes
    _number: int = 0
    _kept: deque[Item] = field(default_factory=lambda: deque(maxlen=KEPT))
    _bytes: int = 0
    _listeners: set[Listener] = field(default_factory=set)
    _until: float = 0.0  # when nobody who left is expected back any more, on the monotonic clock

    @property
    def heard(self) -> bool:
        """Whether somebody listens, or did a moment ago and may come back."""
        return bool(self._listeners) or time.monotonic() < self._until

    def publish(self, type: str, said: object, **more: str) -> None:
        """Tell of something: an object, or a function that makes it. On the loop's thread; never waits."""
        if not self.heard:
            return
        said = said() if callable(said) else said
        head, body = msgspec.json.encode({"type": type, **more}), msgspec.json.encode(said)
        if body[:1] != b"{":
            raise TypeError(f"an event is an object, not {body[:20]!r}")
        self._number += 1
        item = Item(self._number, head if body == b"{}" else head[:-1] + b"," + body[1:])
        if len(self._kept) == KEPT:
            self._bytes -= len(self._kept[0].data)
        self._kept.append(item)
        self._bytes += len(item.data)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popleft().data)
        for listener in self._listeners:
            listener.tell(item)

    def close(self) -> None:
        """Tell that it is over; whoever listens then stops."""
        if self.last is None:
            self.publish("over", {})
            self.last = self._number

    def id(self, number: int) -> str:
        return f"{self.boot}-{number}"

    def missed(self, last: str | None) -> tuple[list[Item], bool]:
        """What came after the event of this id, and whether something of it is not known any more.

        Without an id nothing was missed.
        """
        if last is None:
            return [], False
        boot, _, said = last.partition("-")
        if boot != self.boot or not (said.isascii() and said.isdigit()) or int(said) > self._number:
            return [], True
        items = [item for item in self._kept if item.number > int(said)]
        return items, len(items) < self._number - int(said)

    @property
    def number(self) -> int:
        """Of the last event; 0 before the first."""
        return self._number

    @contextmanager
    def listening(self) -> Iterator["Listener"]:
        """Hear all events from now on. Raises Full."""
        if len(self._listeners) >= MOST_LISTENERS:
            raise Full
        if not self.heard:  # who was here before that has missed something
            self._kept.clear()
            self._bytes = 0
            self._number += 1
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._until = time.monotonic() + BACK_SECONDS
