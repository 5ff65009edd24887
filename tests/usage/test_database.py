"""How the file is opened: its owner's alone, and no trouble with it stops anything."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.usage.database import VERSION, opened, reading


def works(database: sqlite3.Connection) -> bool:
    with closing(database):
        return bool(database.execute("SELECT COUNT(*) = 0 FROM requests").fetchone()[0])


def place(database: sqlite3.Connection) -> str:
    return str(database.execute("PRAGMA database_list").fetchone()["file"])


def test_nobody_else_can_read_it_nor_its_journal(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(opened(path)) as database, database:
        database.execute("INSERT INTO bodies VALUES ('a', 0, '', '', 0)")
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}

    assert set(modes.values()) == {0o600}
    assert "usage.sqlite-wal" in modes


def test_what_is_no_database_is_moved_aside_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "usage.sqlite"
    path.write_bytes(b"no database at all " * 500)

    assert works(opened(path))
    assert path.with_suffix(".broken").read_bytes().startswith(b"no database")
    assert "moved to" in caplog.text


def test_one_of_a_newer_idetour_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    with closing(opened(path)) as database:
        assert place(database) == ""

    assert "newer idetour" in caplog.text
    assert not path.with_suffix(".broken").exists()


def test_a_folder_that_is_not_there_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert works(opened(tmp_path / "nowhere" / "usage.sqlite"))
    assert "in memory only" in caplog.text


def test_it_is_read_while_another_writes(tmp_path: Path) -> None:
    path = tmp_path / "usage.sqlite"
    with closing(opened(path)) as writing, writing:
        writing.execute("INSERT INTO bodies VALUES ('a', 0, '', '', 0)")
        with reading(path) as database:
            assert database.execute("SELECT COUNT(*) FROM bodies").fetchone()[0] == 0
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                database.execute("DELETE FROM bodies")


def test_what_is_not_there_or_is_no_database_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database at all " * 500)
    with pytest.raises(SetupError, match="Nothing was asked yet"), reading(tmp_path / "none.sqlite"):
        pass
    with pytest.raises(SetupError, match="cannot be read"), reading(broken) as database:
        database.execute("SELECT * FROM requests")
