"""The lock that is shared with Qwen Code."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from idetour.accounts.qwen import lock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "oauth_creds.lock"


def test_it_is_a_file_with_a_random_id_and_gone_afterwards(file: Path) -> None:
    async def run() -> str:
        async with lock.held(file):
            return file.read_text()

    first, second = asyncio.run(run()), asyncio.run(run())
    assert len(first) == 36
    assert first != second
    assert not file.exists()


def test_one_renews_while_the_others_wait(file: Path) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with lock.held(file):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    async def run() -> None:
        await asyncio.gather(*(work() for _ in range(4)))

    asyncio.run(run())
    assert most == 1


def test_a_lock_of_ten_seconds_ago_belongs_to_nobody(file: Path) -> None:
    file.write_text("its holder crashed")
    long_ago = time.time() - lock.STALE_SECONDS - 1
    os.utime(file, (long_ago, long_ago))

    async def run() -> str:
        async with lock.held(file):
            return file.read_text()

    assert asyncio.run(run()) != "its holder crashed"
    assert [*file.parent.iterdir()] == []


def test_who_waits_too_long_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "LONGEST_SECONDS", 0.001)
    monkeypatch.setattr(lock, "FIRST_SECONDS", 0.001)
    file.write_text("held by another")

    async def run() -> None:
        async with lock.held(file):
            raise AssertionError("nobody may come here")

    with pytest.raises(TimeoutError, match="another program holds"):
        asyncio.run(run())
    assert file.read_text() == "held by another"


def test_only_our_own_lock_is_removed(file: Path) -> None:
    async def run() -> None:
        async with lock.held(file):
            file.write_text("taken over: ours was stale")

    asyncio.run(run())
    assert file.read_text() == "taken over: ours was stale"


def test_where_nothing_can_be_written_there_is_no_lock_to_wait_for(tmp_path: Path) -> None:
    async def run() -> bool:
        async with lock.held(tmp_path / "nowhere" / "lock"):
            return True

    assert asyncio.run(run())
