"""Logins that wait to be confirmed."""

import asyncio
from pathlib import Path

import pytest

from idetour.accounts.qwen import oauth, tokens
from idetour.accounts.qwen import pending as pending_logins
from idetour.accounts.qwen.oauth import LoginError
from idetour.accounts.qwen.pending import Pending, TooMany
from qwen import Qwen


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "POLL_SECONDS", 0.01)


def test_who_holds_the_handle_hears_when_it_is_confirmed_and_the_file_is_written(
    qwen: Qwen, folder: Path
) -> None:
    async def run() -> None:
        pending = Pending(folder)
        handle, invitation = await pending.begin("work", oauth.server())
        assert handle not in (invitation.device_code.reveal(), invitation.verifier.reveal())
        assert await pending.outcome(handle, 0.02) is None
        qwen.confirmed = True
        done = await pending.outcome(handle, 5)
        assert done
        assert (done[0], done[1].access) == ("work", tokens.read(folder / "oauth_creds_work.json").access)
        with pytest.raises(LookupError):
            await pending.outcome(handle, 0)

    asyncio.run(run())


def test_an_outcome_that_nobody_asks_for_does_not_grow(
    qwen: Qwen, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qwen.confirmed = False
    monkeypatch.setattr(pending_logins, "MOST", 2)

    async def run() -> int:
        pending = Pending(folder)
        for _ in range(6):
            handle, _ = await pending.begin("work", oauth.server())
            await asyncio.wait([pending._open[handle].task])
        return len(pending._open)

    assert asyncio.run(run()) <= 3


def test_there_is_an_end_to_how_many_wait(qwen: Qwen, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_logins, "MOST", 2)

    async def run() -> None:
        pending = Pending(folder)
        for _ in range(2):
            await pending.begin("work", oauth.server())
        with pytest.raises(TooMany):
            await pending.begin("work", oauth.server())
        await asyncio.wait(pending.close())

    asyncio.run(run())


def test_a_stop_breaks_them_off(qwen: Qwen, folder: Path) -> None:
    async def run() -> None:
        pending = Pending(folder)
        handle, _ = await pending.begin("work", oauth.server())
        await asyncio.wait(pending.close())
        with pytest.raises(LoginError, match="idetour ends"):
            await pending.outcome(handle, 1)
        assert pending.close() == set()

    asyncio.run(run())
    assert [*folder.iterdir()] == []
