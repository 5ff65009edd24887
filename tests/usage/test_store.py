"""The store's thread: what is handed in is written, whatever the disk does, and nobody waits for it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from idetour.usage import requests, store
from idetour.usage.requests import Wanted, page
from idetour.usage.row import Bodies, Entry
from idetour.usage.store import Store, write
from upstream import until
from usage.rows import entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usage.sqlite"


@pytest.fixture
def kept(path: Path) -> Iterator[Store]:
    made = Store(path)
    yield made
    made.close()


def count(path: Path) -> int:
    """Rows that are on the disk; none before the file is made."""
    with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):
        return int(database.execute("SELECT COUNT(*) FROM requests").fetchone()[0])
    return 0


def rows(kept: Store) -> list[Any]:
    return asyncio.run(kept.read(page(Wanted())))[0]


def test_reading_sees_all_that_was_added_before(kept: Store) -> None:
    for _ in range(3):
        kept.add(entry())

    assert len(rows(kept)) == 3


def test_a_few_are_written_together_and_soon(kept: Store, path: Path) -> None:
    kept.add(entry())

    assert until(lambda: count(path) == 1)


def test_closing_writes_what_is_left(path: Path) -> None:
    kept = Store(path)
    for _ in range(250):
        kept.add(entry())
    kept.close()

    assert (count(path), kept.dropped) == (250, 0)


def test_the_same_request_is_counted_once(kept: Store) -> None:
    same = entry()
    kept.add(same)
    rows(kept)
    kept.add(same)

    assert len(rows(kept)) == 1
    assert (
        asyncio.run(
            kept.read(
                lambda each: each.execute("SELECT SUM(requests) FROM sums WHERE step = 60").fetchone()[0]
            )
        )
        == 1
    )


def test_two_that_write_to_one_file_lose_nothing(kept: Store, path: Path) -> None:
    other = Store(path)
    for each in (kept, other) * 50:
        each.add(entry())
    other.close()

    assert until(lambda: count(path) == 100)


def test_a_locked_file_costs_one_warning_and_nothing_is_lost(
    kept: Store, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.usage.database.BUSY_SECONDS", 0.01)
    kept.add(entry())
    assert until(lambda: count(path) == 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(20):
            kept.add(entry())
        assert until(lambda: kept.problem is not None)
        assert until(lambda: "not written at the moment" in caplog.text)
        other.execute("COMMIT")
    assert until(lambda: count(path) == 21)

    assert until(lambda: kept.problem is None)
    assert caplog.text.count("not written at the moment") == 1
    assert (kept.dropped, "written again; 0 requests are missing" in caplog.text) == (0, True)


def test_a_full_disk_drops_and_counts_what_does_not_fit(
    kept: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite's own limit of pages stands for the disk's."""
    monkeypatch.setattr(store, "MOST_WAITING", 10)
    asyncio.run(kept.read(lambda each: each.execute("PRAGMA max_page_count = 1").fetchone()))
    for number in range(60):
        kept.add(entry(error="x" * 900))
        if number % 10 == 0:
            rows(kept)
    rows(kept)

    assert kept.problem == "database or disk is full"
    assert kept.dropped > 0
    asyncio.run(kept.read(lambda each: each.execute("PRAGMA max_page_count = 100000").fetchone()))
    assert until(lambda: kept.problem is None)
    assert len(rows(kept)) + kept.dropped == 60


def test_what_is_said_is_made_in_the_thread_and_kept(kept: Store) -> None:
    added = entry()
    kept.add(added, finish=lambda each: replace(each, bodies=Bodies(request="{}", answer="hello")))

    found = asyncio.run(kept.read(requests.entry(added.row.id)))
    assert found
    assert found.bodies == Bodies(request="{}", answer="hello")


def test_a_fault_in_one_job_costs_no_other_its_row(kept: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fault(*_: object) -> Any:
        raise ValueError("a fault of ours")

    kept.do(fault)
    kept.add(entry(), finish=fault)
    with pytest.raises(ValueError, match="a fault of ours"):
        asyncio.run(kept.read(lambda _: fault()))

    assert len(rows(kept)) == 1
    assert caplog.text.count("ValueError: a fault of ours") == 2


def test_what_only_takes_a_while_breaks_up_no_batch(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []

    def noted(database: sqlite3.Connection, entries: list[Entry]) -> None:
        batches.append(len(entries))
        write(database, entries)

    monkeypatch.setattr(store, "write", noted)
    monkeypatch.setattr(store, "BATCH_SECONDS", 60.0)
    done: list[None] = []
    for _ in range(20):
        kept.do(lambda: done.append(None))
        kept.add(entry())

    assert len(rows(kept)) == len(done) == 20
    assert batches == [20]


def test_a_text_that_is_none_costs_its_own_batch_alone(kept: Store, caplog: pytest.LogCaptureFixture) -> None:
    kept.add(entry(error="\ud800"))
    assert rows(kept) == []
    kept.add(entry())

    assert (len(rows(kept)), kept.dropped) == (1, 1)
    assert "fault of idetour's own" in caplog.text


def test_after_the_end_nothing_is_taken(path: Path) -> None:
    kept = Store(path)
    kept.close()
    kept.add(entry())

    assert (kept.dropped, path.exists()) == (1, False)
    with pytest.raises(sqlite3.OperationalError):
        rows(kept)


def test_without_a_path_it_is_kept_in_memory() -> None:
    kept = Store()
    kept.add(entry())
    found = rows(kept)
    kept.close()

    assert len(found) == 1
