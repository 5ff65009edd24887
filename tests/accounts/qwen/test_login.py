"""A login in use, against a server that plays Qwen's: one renewal for all, and every way in which that can fail."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import ADDONS
from idetour.accounts.qwen import oauth, tokens
from idetour.accounts.qwen.login import Login, Session
from idetour.errors import UpstreamError
from idetour.secret import Secret
from qwen import TOKEN, Qwen
from upstream import Upstream, html, raw, redirect, stall_before_headers, status, whole


def session(file: Path) -> Session:
    made = Session("default", file)
    made.read()
    return made


def current(*sessions: Session) -> list[str]:
    """What each gives at once, its own token or the one that it has to fetch."""

    async def run() -> list[Secret]:
        return await asyncio.gather(*(each.current(oauth.server()) for each in sessions))

    return [secret.reveal() for secret in asyncio.run(run())]


def failure(work: Coroutine[Any, Any, object]) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        asyncio.run(work)
    return raised.value


def kept(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_bytes()))


def test_a_fresh_token_is_used_as_it_is(qwen: Qwen, folder: Path) -> None:
    file = qwen.login(folder)
    assert current(session(file)) == [kept(file)["access_token"]]
    assert qwen.refreshes == 0


def test_a_token_is_renewed_half_a_minute_before_it_ends(qwen: Qwen, folder: Path) -> None:
    file = qwen.login(folder, expires_in=29)
    before = kept(file)
    [secret] = current(session(file))
    assert qwen.refreshes == 1
    assert secret == kept(file)["access_token"] != before["access_token"]
    assert kept(file)["refresh_token"] != before["refresh_token"]
    assert abs(kept(file)["expiry_date"] / 1000 - time.time() - 21600) < 60


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a file that is slow to read is a pipe")
def test_a_file_that_is_being_read_is_not_taken_for_read(qwen: Qwen, folder: Path) -> None:
    """Two threads look: the one that watches, and the one that renews. The second must not miss what the first finds."""
    file = qwen.login(folder)
    shared, written = session(file), qwen.login(folder).read_bytes()
    file.unlink()
    os.mkfifo(file)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(shared.read)
        with file.open("wb") as pipe:  # waits until it is opened there
            assert shared.changed()
            pipe.write(written)
        reading.result()
    assert shared.tokens
    assert shared.tokens.access.reveal() == json.loads(written)["access_token"]


def test_a_hundred_requests_with_an_expired_token_renew_it_once(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, expires_in=-5))
    assert len(set(current(*[shared] * 100))) == 1
    assert qwen.refreshes == 1


def test_who_leaves_does_not_end_the_renewal_for_the_others(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, expires_in=-5))

    async def run() -> Secret:
        first = asyncio.create_task(shared.current(oauth.server()))
        second = asyncio.create_task(shared.current(oauth.server()))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(run()).reveal() == kept(shared.file)["access_token"]
    assert qwen.refreshes == 1


def test_what_the_server_does_not_repeat_stays(qwen: Qwen, folder: Path) -> None:
    file = qwen.login(folder, expires_in=-5, id_token="kept")
    before, qwen.resource_url, qwen.rotates = kept(file), None, False
    current(session(file))
    stays = {"resource_url", "refresh_token", "id_token"}
    assert {name: kept(file)[name] for name in stays} == {name: before[name] for name in stays}


# Another process with the same login: a hundred at once want its token.
OTHER = """
import asyncio, sys
from pathlib import Path
from idetour.accounts.qwen import oauth
from idetour.accounts.qwen.login import Session
session = Session("default", Path(sys.argv[1]))
session.read()
print("ready", flush=True)
sys.stdin.readline()
async def run():
    return await asyncio.gather(*(session.current(oauth.server()) for _ in range(100)))
print(*{secret.reveal() for secret in asyncio.run(run())})
"""


def test_four_processes_with_a_hundred_requests_each_renew_it_once(qwen: Qwen, folder: Path) -> None:
    file = qwen.login(folder, expires_in=-5)
    environment = {**os.environ, "PYTHONPATH": str(ADDONS)}
    with contextlib.ExitStack() as stack:
        command = [sys.executable, "-c", OTHER, str(file)]
        children = [
            stack.enter_context(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
                )
            )
            for _ in range(4)
        ]
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [child.communicate(timeout=30)[0].strip() for child in children]
    assert said == [kept(file)["access_token"]] * 4
    assert qwen.refreshes == 1
    assert not file.with_suffix(".lock").exists()


def test_a_token_that_another_program_renewed_is_taken_over(qwen: Qwen, folder: Path) -> None:
    mine = session(qwen.login(folder, expires_in=-5))
    theirs = qwen.login(folder)
    assert current(mine) == [kept(theirs)["access_token"]]
    assert qwen.refreshes == 0


def test_a_refused_token_is_renewed_once_and_not_again_for_those_who_come_later(
    qwen: Qwen, folder: Path
) -> None:
    shared = session(qwen.login(folder))
    assert shared.tokens
    old = shared.tokens.access

    async def run() -> list[bool]:
        return await asyncio.gather(*(shared.renew(oauth.server(), old) for _ in range(10)))

    assert asyncio.run(run()) == [True] * 10
    assert qwen.refreshes == 1


def test_a_clock_that_is_an_hour_off_is_corrected_by_the_refusal(
    qwen: Qwen, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = session(qwen.login(folder, expires_in=1800))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    [first] = current(shared)  # it looks expired: renewed, and by the same clock it is fresh
    assert current(shared) == [first]
    assert qwen.refreshes == 1
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    assert shared.tokens
    qwen.accounts["default"].access.clear()  # it looks fresh, and is not
    assert asyncio.run(shared.renew(oauth.server(), shared.tokens.access))
    assert qwen.refreshes == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(400, {"error": "invalid_grant"}), "invalid_grant"),
        (status(400, {"error": "invalid_request", "error_description": "Invalid refresh token"}), "Invalid"),
        (status(401, {"error": "invalid_token"}), "invalid_token"),
    ],
)
def test_a_login_that_is_lost_says_what_to_do_and_keeps_its_file(
    qwen: Qwen, folder: Path, answer: Any, said: str
) -> None:
    file = qwen.login(folder, expires_in=-5)
    before, shared = file.read_bytes(), session(file)
    qwen.upstream.then(answer, asked=TOKEN)
    first = failure(shared.current(oauth.server()))
    assert (first.status, first.code) == (401, "login_required")
    assert said in first.message
    assert "Run `idetour login qwen`." in first.message
    assert file.read_bytes() == before
    asked = len(qwen.upstream.requests)
    assert failure(shared.current(oauth.server())).message == first.message
    assert len(qwen.upstream.requests) == asked  # nobody asks twice what is known


def test_a_lost_login_is_well_again_when_its_file_changes(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, expires_in=-5))
    qwen.upstream.then(status(400, {"error": "invalid_grant"}), asked=TOKEN)
    failure(shared.current(oauth.server()))
    qwen.login(folder)
    assert shared.changed()
    shared.read()
    assert current(shared) == [kept(shared.file)["access_token"]]


ELSEWHERE = redirect("http://127.0.0.1:1/elsewhere")


@pytest.mark.parametrize(
    "answer",
    [
        status(500),
        status(429),
        html(),
        html("<html>blocked</html>", code=400),
        html("<html>blocked</html>", code=405),
        whole({}),
        whole([]),
        whole({"access_token": "x"}),
        whole({"access_token": "x", "refresh_token": "y", "expires_in": "soon"}),
        whole({"access_token": "x", "refresh_token": "y", "expires_in": float("nan")}),
        raw(b"not HTTP at all\r\n\r\n"),
        ELSEWHERE,
    ],
)
def test_a_server_that_is_not_well_costs_the_moment_and_not_the_login(
    qwen: Qwen, folder: Path, answer: Any
) -> None:
    file = qwen.login(folder, expires_in=-5)
    shared = session(file)
    qwen.upstream.then(answer, asked=TOKEN)
    error = failure(shared.current(oauth.server()))
    assert (error.status, error.code) == (503, "login_unavailable")
    assert shared.trouble == ""
    assert current(shared) == [kept(file)["access_token"]]


def test_a_server_that_is_down_or_slow_is_said_so(
    qwen: Qwen, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "ANSWER_SECONDS", 0.2)
    shared = session(qwen.login(folder, expires_in=-5))
    qwen.upstream.then(stall_before_headers(), asked=TOKEN)
    assert "does not answer within" in failure(shared.current(oauth.server())).message
    qwen.upstream.refuse()
    assert "cannot be reached" in failure(shared.current(oauth.server())).message


def test_while_it_lasts_the_old_token_is_used_when_there_is_no_new_one(qwen: Qwen, folder: Path) -> None:
    file = qwen.login(folder, expires_in=20)
    qwen.upstream.then(status(500), asked=TOKEN)
    assert current(session(file)) == [kept(file)["access_token"]]


def test_a_redirect_is_not_followed_with_the_refresh_token(
    qwen: Qwen, folder: Path, upstreams: Callable[..., Upstream]
) -> None:
    other = upstreams()
    qwen.upstream.then(redirect(f"{other.origin}{TOKEN}"), asked=TOKEN)
    failure(session(qwen.login(folder, expires_in=-5)).current(oauth.server()))
    assert other.requests == []


def test_where_nothing_can_be_written_the_new_token_is_used_and_the_user_is_told(
    qwen: Qwen, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = qwen.login(folder, expires_in=-5)
    shared, before = session(file), file.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("idetour.disk.create", refuse)  # root may write anywhere
    [first] = current(shared)
    assert current(shared) == [first]
    assert qwen.refreshes == 1
    assert file.read_bytes() == before
    assert "Read-only file system" in caplog.text
    assert first not in caplog.text


def test_a_login_whose_file_was_removed_serves_to_its_end_and_does_not_come_back(
    qwen: Qwen, folder: Path
) -> None:
    shared = session(qwen.login(folder))
    [first] = current(shared)
    shared.file.unlink()
    shared.read()
    assert current(shared) == [first]
    assert failure(shared.renew(oauth.server(), Secret(first))).code == "login_required"
    assert not shared.file.exists()
    assert qwen.refreshes == 0


def test_a_broken_file_is_named_with_the_remedy(folder: Path) -> None:
    file = folder / "oauth_creds_work.json"
    file.write_text('{"access_token": "at-secret-canary"')
    shared = Session("work", file)
    shared.read()
    assert shared.trouble == (
        f"{file} cannot be used: it lacks a token or when that expires. Run `idetour login qwen work`."
    )


def test_a_login_at_an_upstream_has_its_own_address_and_shows_no_token(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, resource_url="portal.qwen.ai"))
    here = Login(session=shared, upstream="qwen", base="http://127.0.0.1:1/v1", server=oauth.server())
    assert (here.id, here.mark, here.url) == ("qwen/default", "default", "https://portal.qwen.ai/v1")
    assert "of-the-playing-server" not in repr(here)


def test_a_login_that_leads_elsewhere_is_not_used(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, resource_url="https://evil.example/v1"))
    here = Login(session=shared, upstream="qwen", base="http://127.0.0.1:1/v1", server=oauth.server())
    assert here.url is None
    assert "nothing is sent" in here.trouble


def test_a_renewal_is_stopped_with_the_gateway(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, expires_in=-5))
    qwen.upstream.then(stall_before_headers(), asked=TOKEN)

    async def run() -> None:
        waiting = asyncio.create_task(shared.current(oauth.server()))
        while not qwen.upstream.requests:
            await asyncio.sleep(0.005)
        ending = shared.close()
        assert ending
        await asyncio.wait([ending, waiting])
        assert ending.cancelled()

    asyncio.run(run())
    assert shared.close() is None
    assert not shared.file.with_suffix(".lock").exists()


def test_tokens_never_show_themselves(qwen: Qwen, folder: Path) -> None:
    shared = session(qwen.login(folder, id_token="header.canary.signature"))
    for shown in (repr(shared), repr(shared.tokens), str(tokens.read(shared.file))):
        assert "of-the-playing-server" not in shown
        assert "canary" not in shown
