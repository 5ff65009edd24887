"""Long rests, on disk: a key that is used up until midnight is not asked again because we were restarted.

Only what lasts longer than five minutes is written, and never a key: a key is
known by a keyed hash whose salt lies in the same file.
"""

import secrets
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from idetour.gateway.database import Database

LEAST_SECONDS = 300.0
SCHEMA = """
    CREATE TABLE IF NOT EXISTS salt (value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS rests (
        name TEXT NOT NULL, id TEXT NOT NULL, until REAL NOT NULL, why TEXT NOT NULL, PRIMARY KEY (name, id)
    );
"""


class Row(NamedTuple):
    name: str  # of an upstream, or a target
    id: str  # of a key; "" where none is needed
    until: float  # seconds since 1970
    why: str


@dataclass(slots=True)
class Lasting:
    """`path` None: nothing is kept beyond this process."""

    path: Path | None = None
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    _database: Database = field(init=False)

    def __post_init__(self) -> None:
        self._database = Database(self.path, SCHEMA, "long rests", self._read)

    def _read(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.execute("DELETE FROM rests WHERE until < ?", (time.time(),))
            connection.execute(
                "INSERT INTO salt SELECT ? WHERE NOT EXISTS (SELECT * FROM salt)", (self.salt,)
            )
        (self.salt,) = connection.execute("SELECT value FROM salt").fetchone()
        found = [Row(*each) for each in connection.execute("SELECT name, id, until, why FROM rests")]
        self.rows = {(row.name, row.id): row for row in found}

    def put(self, row: Row) -> None:
        self.rows[row.name, row.id] = row
        self._database.write("INSERT OR REPLACE INTO rests VALUES (?, ?, ?, ?)", row)

    def drop(self, name: str, id: str) -> None:
        if self.rows.pop((name, id), None):
            self._database.write("DELETE FROM rests WHERE name = ? AND id = ?", (name, id))

    def close(self) -> None:
        """After what is still to be written; milliseconds."""
        self._database.close()
