"""A small file that survives restarts. How it fares with broken files and full disks: `test_lasting.py`."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from idetour.gateway.database import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS words (word TEXT NOT NULL)"


def opened(path: Path | None) -> tuple[Database, list[str]]:
    """The database, and the words that are in it."""
    found: list[str] = []

    def read(connection: sqlite3.Connection) -> None:
        found.extend(word for (word,) in connection.execute("SELECT word FROM words"))

    return Database(path, SCHEMA, "words", read), found


def test_what_was_written_is_read_by_the_next(tmp_path: Path) -> None:
    first, _ = opened(tmp_path / "words.sqlite")
    for word in ("one", "two"):
        first.write("INSERT INTO words VALUES (?)", (word,))
    first.close()
    second, found = opened(tmp_path / "words.sqlite")
    second.close()
    assert found == ["one", "two"]


def test_without_a_path_nothing_is_made_and_nothing_fails() -> None:
    database, found = opened(None)
    database.write("INSERT INTO words VALUES (?)", ("one",))
    database.close()
    assert found == []


def test_a_file_of_another_shape_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "words.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE words (something TEXT)")
    other.close()
    database, found = opened(path)
    database.write("INSERT INTO words VALUES (?)", ("one",))
    database.close()
    assert found == []
    assert path.with_suffix(".broken").exists()
    again, found = opened(path)
    again.close()
    assert found == ["one"]


def test_what_another_process_writes_is_seen_once_and_what_we_write_is_not(tmp_path: Path) -> None:
    def words(connection: sqlite3.Connection) -> list[str]:
        return [word for (word,) in connection.execute("SELECT word FROM words")]

    async def looked() -> list[list[str] | None]:
        ours, theirs = opened(path)[0], sqlite3.connect(path)
        ours.write("INSERT INTO words VALUES (?)", ("ours",))
        seen = [await ours.changed(words)]
        with theirs:
            theirs.execute("INSERT INTO words VALUES (?)", ("theirs",))
        theirs.close()
        seen += [await ours.changed(words), await ours.changed(words)]
        ours.close()
        return [*seen, await ours.changed(words)]

    path = tmp_path / "words.sqlite"
    assert asyncio.run(looked()) == [None, ["ours", "theirs"], None, None]


def test_a_file_that_another_holds_is_left_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.gateway.database.BUSY_SECONDS", 0.05)
    path = tmp_path / "words.sqlite"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        database, _ = opened(path)
        database.write("INSERT INTO words VALUES (?)", ("one",))
        database.close()

    assert path.exists()
    assert not path.with_suffix(".broken").exists()
