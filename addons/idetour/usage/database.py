"""The file that usage is kept in: its tables, how it is opened, and what happens to one that is broken."""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from idetour import disk
from idetour.errors import SetupError

log = logging.getLogger("idetour")

BUSY_SECONDS = 2.0  # for another process of ours that writes
VERSION = 1
COUNTS = ("requests", "ok", "failed", "broken", "left", "stopped", "rescued", "estimated", "unpriced")
TOKENS = ("prompt", "completion", "cached", "reasoning")
SUMS = (*COUNTS, *TOKENS, "cost")
SCHEMA = f"""
    CREATE TABLE IF NOT EXISTS requests (
        id TEXT PRIMARY KEY, began REAL NOT NULL, client TEXT NOT NULL, protocol TEXT NOT NULL, path TEXT NOT NULL,
        door TEXT NOT NULL, asked TEXT NOT NULL, stream INTEGER NOT NULL, target TEXT, key TEXT NOT NULL,
        outcome TEXT NOT NULL, status INTEGER NOT NULL, error TEXT, tries INTEGER NOT NULL, tokens TEXT, counted TEXT,
        estimate INTEGER, first_token REAL, total REAL, cost REAL, currency TEXT, changed TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS by_time ON requests (began, id);
    CREATE INDEX IF NOT EXISTS failing ON requests (began, id) WHERE tries > 1 OR outcome = 'failed';
    CREATE TABLE IF NOT EXISTS attempts (
        request TEXT NOT NULL, n INTEGER NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, began REAL NOT NULL,
        ended REAL NOT NULL, outcome TEXT NOT NULL, status INTEGER, error TEXT, rest REAL, PRIMARY KEY (request, n)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS bodies (
        id TEXT PRIMARY KEY, at REAL NOT NULL, request TEXT NOT NULL, answer TEXT NOT NULL, cut INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS sums (
        step INTEGER NOT NULL, start INTEGER NOT NULL, asked TEXT NOT NULL, target TEXT NOT NULL,
        client TEXT NOT NULL, currency TEXT NOT NULL, {", ".join(f"{name} REAL NOT NULL" for name in SUMS)},
        PRIMARY KEY (step, start, asked, target, client, currency)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS times (
        step INTEGER NOT NULL, start INTEGER NOT NULL, asked TEXT NOT NULL, target TEXT NOT NULL,
        client TEXT NOT NULL, kind TEXT NOT NULL, bucket INTEGER NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (step, start, asked, target, client, kind, bucket)
    ) WITHOUT ROWID;
    PRAGMA user_version = {VERSION};
"""


def opened(path: Path | None) -> sqlite3.Connection:
    """The database at `path`, for its owner alone; in memory where there is no path or it cannot be used."""
    if path is None:
        return _ready(sqlite3.connect(":memory:", check_same_thread=False))
    try:
        return _from(path)
    except sqlite3.OperationalError as error:  # locked, full, read-only: it may be whole
        log.warning("%s: %s. Usage is kept in memory only.", path, error)
    except sqlite3.DatabaseError as error:
        aside = path.with_suffix(".broken")
        log.warning("%s cannot be read (%s): moved to %s; usage begins anew.", path, error, aside)
        try:
            set_aside(path, aside)
            return _from(path)
        except (OSError, sqlite3.DatabaseError) as again:
            log.warning("%s: %s. Usage is kept in memory only.", path, again)
    except OSError as error:
        log.warning("%s: %s. Usage is kept in memory only.", path, error.strerror or error)
    return opened(None)


def _from(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its journal takes over the mode
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        disk.write_ahead(database, seconds=BUSY_SECONDS)
        return _ready(database)
    except BaseException:
        database.close()
        raise


def _ready(database: sqlite3.Connection) -> sqlite3.Connection:
    database.row_factory = sqlite3.Row
    with closing(database.execute("PRAGMA user_version")) as asked:
        (version,) = asked.fetchone()
    if version > VERSION:
        raise sqlite3.OperationalError(f"it was written by a newer idetour (version {version})")
    if version < VERSION:
        database.executescript(SCHEMA)
    return database


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database at `path`, to look at only, also while an idetour writes to it. Raises SetupError."""
    if not path.is_file():
        raise SetupError(
            f"Nothing was asked yet: there is no {path}. Start `idetour run`, and ask something."
        )
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            yield database
    except sqlite3.Error as error:
        raise SetupError(f"{path} cannot be read: {error}.") from error


def set_aside(path: Path, aside: Path) -> None:
    """Move a broken file away. Raises OSError."""
    path.replace(aside)
    for journal in ("-wal", "-shm"):
        path.with_name(path.name + journal).unlink(missing_ok=True)
