"""The log as JSON lines in files, and live to listeners: each with the request that it belongs to, none with a key.

Writing is done in a thread of its own, since a disk may be slow, and all that a
moment brings at once. The terminal has its own plain lines (`idetour run`).
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec

from idetour.gateway.news import News
from idetour.gateway.record import shown
from idetour.gateway.scrub import Scrubber
from idetour.profile.environment import variables
from idetour.secret import Secret

FILE = "idetour.jsonl"
FILE_BYTES = 5 << 20  # of one file; then the next begins
FILES = 5
MOST_FILES = 100
BATCH_SECONDS = 0.1  # each waking of the thread makes the event loop wait
LONGEST = 20_000  # characters of a line: a traceback is that long at most

# The request that is being answered, for whatever is logged meanwhile.
request: ContextVar[str | None] = ContextVar("request", default=None)


def debugging(env: Mapping[str, str]) -> bool:
    """Whether the files get the finest lines too: `DEBUG_LOG=true`."""
    return env.get("DEBUG_LOG", "").strip().lower() in ("1", "true", "yes", "on")


def limit(env: Mapping[str, str]) -> int:
    """How many files are kept: `LOG_FILE_LIMIT`, 1 to 100; 5 where it says nothing of use."""
    said = env.get("LOG_FILE_LIMIT", "").strip()
    return min(max(int(said), 1), MOST_FILES) if said.isascii() and said.isdigit() else FILES


class Line(logging.Formatter):
    """A record as an object in one line: control characters are escaped, so nobody can forge another."""

    def __init__(self, keys: Callable[[], list[Secret]]) -> None:
        super().__init__()
        self._keys = keys
        self._known: frozenset[Secret] = frozenset()
        self._scrubber = Scrubber()

    def format(self, record: logging.LogRecord) -> str:
        return msgspec.json.encode(self.told(record)).decode()

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        changed = [self._clean(each) for each in getattr(record, "changed", ())]
        return {
            "at": round(record.created, 3),
            "level": record.levelname.lower() if record.levelno < logging.CRITICAL else "error",
            "text": self._clean(text[: 2 * LONGEST].encode("utf-8", "replace").decode()),
            "request": getattr(record, "request", None),
            **({"changed": changed} if changed else {}),
        }

    def _clean(self, text: str) -> str:
        if (known := frozenset(self._keys())) != self._known:
            self._known, self._scrubber = known, Scrubber(known)
        return self._scrubber.text(text)[:LONGEST]  # cut last: half a key is one too


class Tracebacks(logging.Filter):
    """No key in the words of an exception, for any handler there is: the terminal has one of its own."""

    def __init__(self, keys: Callable[[], list[Secret]]) -> None:
        super().__init__()
        self._keys = keys

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:  # into the message: some formatters write the exception down themselves
            told = f"{record.getMessage()}\n{logging.Formatter().formatException(record.exc_info)}"
            clean = Scrubber(self._keys()).text(told)
            record.msg, record.args = "\n".join(shown(line) for line in clean.split("\n")), ()
            record.exc_info = record.exc_text = None
        return True


class Ours(QueueHandler):
    """Hands records to the thread as they are, with the request in whose course they were made."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        record.request = getattr(record, "request", None) or request.get()
        return record


class Batches(QueueListener):
    """Takes what came in a moment together."""

    def __init__(self, lines: SimpleQueue[Any], *handlers: logging.Handler) -> None:
        super().__init__(lines, *handlers, respect_handler_level=True)
        self._lines, self._ends = lines, threading.Event()

    def dequeue(self, block: bool) -> logging.LogRecord:
        record = super().dequeue(block)
        if self._lines.empty():
            self._ends.wait(BATCH_SECONDS)
        return record

    def stop(self) -> None:
        self._ends.set()
        super().stop()


class Live(logging.Handler):
    """Tells listeners of a line. Called in the thread, and publishes on the loop."""

    def __init__(self, news: News, line: Line) -> None:
        super().__init__(logging.INFO)
        self._news, self._line = news, line
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        if not self._news.heard:
            return
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._news.publish, "log", self._line.told(record))


class Private(RotatingFileHandler):
    """Its files are their owner's alone. What cannot be written is left out: a log is worth no request."""

    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, encoding="utf-8", opener=private)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk would else be told on stderr, line by line."""


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def keep(folder: Path | None, news: News, keys: Callable[[], list[Secret]]) -> Callable[[], None]:
    """Write what `idetour` logs into `folder` and tell `news` of it, from now on; returns how to end that.

    On a running loop. A folder that cannot be written to costs a warning.
    """
    line, log = Line(keys), logging.getLogger("idetour")
    handlers: list[logging.Handler] = [Live(news, line)]
    if folder:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            file = Private(folder / FILE, maxBytes=FILE_BYTES, backupCount=limit(variables()) - 1)
        except OSError as error:
            log.warning("The log is not kept in %s: %s.", folder, error.strerror or error)
        else:
            file.setFormatter(line)
            file.setLevel(logging.DEBUG if debugging(variables()) else logging.INFO)
            handlers.append(file)
    queue: SimpleQueue[Any] = SimpleQueue()
    ours = Ours(queue)
    listener = Batches(queue, *handlers)
    listener.start()
    log.addHandler(ours)
    log.addFilter(tracebacks := Tracebacks(keys))

    def end() -> None:
        log.removeHandler(ours)
        log.removeFilter(tracebacks)
        listener.stop()
        for handler in handlers:
            with suppress(OSError):  # a disk that is full: what was to be written is lost
                handler.close()

    return end
