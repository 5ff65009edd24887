"""What is particular to one file: its locks, and a place where it cannot be."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.test_store import submitted
from idetour.agent.sqlite import Sqlite
from idetour.errors import SetupError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sqlite]:
    with closing(Sqlite(tmp_path / "tasks.sqlite")) as store:
        yield store


def test_opening_the_store_again_keeps_the_locks_of_the_first(store: Sqlite, tmp_path: Path) -> None:
    """Closing any descriptor of a file drops a process's locks to it; another process would then drop our log."""
    import subprocess
    import sys

    submitted(store, "a")
    code = (
        "import sys, sqlite3; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('UPDATE tasks SET priority = priority'); db.close()"
    )
    for number in range(3):
        Sqlite(tmp_path / "tasks.sqlite").close()
        store.append("a", [("x", {"number": number})])
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "tasks.sqlite")], check=True)
        assert (tmp_path / "tasks.sqlite-wal").exists()

    assert [event.seq for event in store.events("a")] == [1, 2, 3, 4]


def test_a_place_where_nothing_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "broken").write_bytes(b"this is no database" * 100)
    for path in (tmp_path / "file" / "x", tmp_path / "broken"):
        with pytest.raises(SetupError, match="cannot be kept in"):
            Sqlite(path)
