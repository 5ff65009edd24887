"""Long rests on disk: private, and never worth more than a warning."""

import logging
import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from idetour.gateway.lasting import Lasting, Row

ROW = Row("nim/some/model", "1234", 2e9, "quota")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rests.sqlite"


def kept(path: Path) -> dict[tuple[str, str], Row]:
    """What the file holds."""
    with closing(Lasting(path)) as lasting:
        return lasting.rows


def test_what_was_put_is_there_again_and_what_was_dropped_is_not(path: Path) -> None:
    first = Lasting(path)
    first.put(ROW)
    first.put(ROW._replace(name="nim"))
    first.drop("nim", "1234")
    first.close()
    second = Lasting(path)
    assert second.rows == {("nim/some/model", "1234"): ROW}
    assert second.salt == first.salt
    second.close()


def test_what_is_over_is_struck_out(path: Path) -> None:
    first = Lasting(path)
    first.put(ROW._replace(until=1e9))
    first.close()
    assert kept(path) == {}


def test_without_a_file_it_is_kept_in_memory() -> None:
    lasting = Lasting()
    lasting.put(ROW)
    lasting.close()
    assert lasting.rows == {(ROW.name, ROW.id): ROW}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_nobody_else_can_read_it(path: Path) -> None:
    lasting = Lasting(path)
    lasting.put(ROW)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    lasting.close()
    assert set(modes.values()) == {0o600}
    assert "rests.sqlite" in modes


def test_a_file_that_is_no_database_is_moved_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(b"this is no database at all" * 100)
    lasting = Lasting(path)
    lasting.put(ROW)
    lasting.close()
    assert path.with_suffix(".broken").read_bytes().startswith(b"this is no database")
    assert "moved to" in caplog.text
    assert kept(path) == {(ROW.name, ROW.id): ROW}


def test_a_folder_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rests.sqlite").mkdir()
    lasting = Lasting(tmp_path / "rests.sqlite")
    lasting.put(ROW)
    lasting.close()
    assert "in memory only" in caplog.text


def test_a_write_that_fails_costs_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    lasting = Lasting(path)
    assert lasting._database._connection
    lasting._database._connection.execute("DROP TABLE rests")
    lasting.put(ROW)
    lasting.close()
    assert "not written" in caplog.text


def test_two_processes_may_have_it_open(path: Path) -> None:
    first, second = Lasting(path), Lasting(path)
    first.put(ROW)
    second.put(ROW._replace(id="5678"))
    first.close()
    second.close()
    assert len(kept(path)) == 2
