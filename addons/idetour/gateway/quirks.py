"""What was learned of targets from their own complaints, applied to each request and kept over a restart.

learn → applied to every request of the target → forgotten after 30 days, by hand, or when it did not help
"""

import re
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from idetour.gateway.database import Database
from idetour.profile import Target
from idetour.upstreams import quirk
from idetour.upstreams.quirk import Quirk

DAYS = 30  # upstreams learn too
MOST = 1000  # with `key: client` and names from outside, targets could be many
HITS_SECONDS = 60.0  # between two writes of how often a quirk was of use
EXCERPT = 300  # characters of the upstream's words
REPEATED = re.compile(r"""['"]?input(?:_value)?['"]?\s*[:=]""")  # what follows may be out of the conversation
SCHEMA = """
    CREATE TABLE IF NOT EXISTS quirks (
        target TEXT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
        since REAL NOT NULL, hits INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (target, field)
    );
"""


class Row(NamedTuple):
    """What is known of a target. `since` is in seconds since 1970, `why` what the upstream said."""

    target: str
    quirk: Quirk
    since: float
    hits: int
    why: str

    def told(self) -> dict[str, Any]:
        """For programs. `profile` is what says the same for good, where a profile can."""
        line = quirk.line(Target.parse(self.target), self.quirk)
        return {
            "target": self.target,
            **asdict(self.quirk),
            "what": str(self.quirk),
            "since": self.since,
            "hits": self.hits,
            "why": self.why,
            "profile": line,
        }


@dataclass(slots=True)
class Quirks:
    """`path` None: nothing is kept beyond this process."""

    path: Path | None = None
    _rows: dict[str, dict[str, Row]] = field(default_factory=dict)  # target → field → row
    _unwritten: set[tuple[str, str]] = field(default_factory=set)  # whose hits have grown
    _touched: set[tuple[str, str]] = field(default_factory=set)  # by us, while the file is read again
    _written: float = field(default_factory=time.monotonic)
    _database: Database = field(init=False)

    def __post_init__(self) -> None:
        self._database = Database(self.path, SCHEMA, "quirks", self._read)

    def _read(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.execute("DELETE FROM quirks WHERE since < ?", (oldest(),))
        self._rows = rows_in(connection)

    async def refresh(self) -> None:
        """Take on what another process has written: `idetour models probe` learns while we run."""
        self._touched.clear()
        found = await self._database.changed(rows_in)
        if found is None:
            return
        for target, name in self._touched:
            ours = self._rows.get(target, {}).get(name)
            theirs = found.setdefault(target, {})
            theirs.pop(name, None)
            if ours:
                theirs[name] = ours
        self._rows = found

    def rows(self) -> list[Row]:
        """All, those that were learned last first."""
        everything = [row for rows in self._rows.values() for row in rows.values()]
        return sorted(everything, key=lambda row: -row.since)

    def of(self, target: Target) -> list[Quirk]:
        """What is known of a target, in the order in which it was learned."""
        rows = self._rows.get(str(target))
        if not rows:
            return []
        for name in [name for name, row in rows.items() if row.since < oldest()]:
            self.forget(target, name)
        return [row.quirk for row in rows.values()]

    def learn(self, target: Target, learned: Quirk, *, why: str) -> None:
        rows = self._rows.setdefault(str(target), {})
        said = " ".join(REPEATED.split(why)[0].split())[:EXCERPT]
        rows[learned.field] = Row(str(target), learned, time.time(), 0, said)
        self._touched.add((str(target), learned.field))
        self._write(rows[learned.field])
        for row in self.rows()[MOST:]:
            self.forget(row.target, row.quirk.field)

    def forget(self, target: Target | str, name: str | None = None) -> list[Row]:
        """Forget what is known of a target or of all of an upstream's, or of one field. What that was."""
        gone = [
            row
            for row in self.rows()
            if str(target) in (row.target, row.target.partition("/")[0]) and name in (None, row.quirk.field)
        ]
        for row in gone:
            del self._rows[row.target][row.quirk.field]
            self._touched.add((row.target, row.quirk.field))
            self._database.write(
                "DELETE FROM quirks WHERE target = ? AND field = ?", (row.target, row.quirk.field)
            )
        return gone

    def used(self, target: Target, quirks: Iterable[Quirk]) -> None:
        """These made a difference to a request."""
        rows = self._rows.get(str(target), {})
        for each in quirks:
            if row := rows.get(each.field):
                rows[each.field] = row._replace(hits=row.hits + 1)
                self._unwritten.add((row.target, each.field))
        if self._unwritten and time.monotonic() - self._written > HITS_SECONDS:
            self._write_hits()

    def _write_hits(self) -> None:
        self._written = time.monotonic()
        for target, name in self._unwritten:
            if row := self._rows.get(target, {}).get(name):
                self._write(row)
        self._unwritten.clear()

    def _write(self, row: Row) -> None:
        value = msgspec.json.encode(row.quirk.value).decode()
        values = (row.target, row.quirk.field, row.quirk.kind, value, row.since, row.hits, row.why)
        self._database.write("INSERT OR REPLACE INTO quirks VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def close(self) -> None:
        """After what is still to be written; milliseconds."""
        self._write_hits()
        self._database.close()


def rows_in(connection: sqlite3.Connection) -> dict[str, dict[str, Row]]:
    """Target → field → row, as the file has them."""
    found: dict[str, dict[str, Row]] = {}
    columns = "target, field, kind, value, since, hits, why"
    for target, name, kind, value, *rest in connection.execute(f"SELECT {columns} FROM quirks"):
        if learned := quirk.read(kind, name, value):
            found.setdefault(target, {})[name] = Row(target, learned, *rest)
    return found


def oldest() -> float:
    """Since when a quirk may be known that is still believed."""
    return time.time() - DAYS * 86400
