"""The device flow, against a server that plays Qwen's."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idetour.accounts.qwen import oauth
from idetour.accounts.qwen.oauth import Invitation, LoginError, NotNow
from idetour.accounts.qwen.tokens import Tokens
from idetour.errors import SetupError
from qwen import DEVICE, TOKEN, Qwen
from upstream import Answer, Request, Upstream, html, redirect, status, whole

PENDING = status(400, {"error": "authorization_pending"})
SLOW_DOWN = status(429, {"error": "slow_down"})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "POLL_SECONDS", 0.01)


def invited() -> Invitation:
    async def run() -> Invitation:
        async with oauth.server().client() as client:
            return await oauth.invite(client)

    return asyncio.run(run())


def login() -> Tokens:
    async def run() -> Tokens:
        async with oauth.server().client() as client:
            return await oauth.confirmed(client, await oauth.invite(client))

    return asyncio.run(run())


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert oauth.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_an_invitation_has_a_page_a_code_and_an_end_and_shows_no_secret(qwen: Qwen) -> None:
    made = invited()
    assert made.user_code == "ABCD-1234"
    assert made.url == f"{qwen.upstream.origin}/authorize?user_code=ABCD-1234&client=qwen-code"
    assert len(made.verifier.reveal()) == 43
    assert made.verifier.reveal() not in repr(made)
    assert made.device_code.reveal() not in repr(made)
    [request] = qwen.upstream.requests
    assert request.header("accept") == "application/json"
    assert request.header("x-request-id")


def test_who_confirms_in_the_browser_is_logged_in(qwen: Qwen) -> None:
    def confirm(request: Request) -> Answer:
        qwen.confirmed = True
        return PENDING

    qwen.upstream.then(PENDING, confirm, asked=TOKEN)
    made = login()
    assert made.access.reveal() in qwen.accounts["new"].access
    assert made.resource_url == qwen.upstream.url
    assert len([each for each in qwen.upstream.requests if each.path == TOKEN]) == 3


@pytest.mark.parametrize("code", [429, 400])
def test_a_server_that_says_slow_down_is_asked_less_often(qwen: Qwen, code: int) -> None:
    qwen.confirmed = True
    qwen.upstream.then(*[status(code, {"error": "slow_down"})] * 4, asked=TOKEN)
    login()
    asked = [each.when for each in qwen.upstream.requests if each.path == TOKEN]
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses[-1] > 0.01 * oauth.SLOWER**3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(400, {"error": "access_denied"}), "denied in the browser"),
        (status(400, {"error": "expired_token"}), "Nobody confirmed"),
        (status(401, {}), "Nobody confirmed"),
        (status(429, {"error": "rate_limited", "error_description": "Too many logins"}), "Too many logins"),
        (status(400, {"error": "invalid_grant"}), "invalid_grant"),
        (html(code=403), "HTTP 403"),
    ],
)
def test_an_end_without_a_login_says_why(qwen: Qwen, answer: Any, said: str) -> None:
    qwen.upstream.then(PENDING, answer, asked=TOKEN)
    with pytest.raises(LoginError, match=said):
        login()


def test_a_server_that_is_away_for_a_moment_is_asked_again(qwen: Qwen) -> None:
    qwen.confirmed = True
    qwen.upstream.then(status(502), html(code=503), status(500).fin_after(0), asked=TOKEN)
    assert login().access.reveal() in qwen.accounts["new"].access


def test_a_code_that_has_expired_is_not_asked_for_again(qwen: Qwen) -> None:
    short = {"device_code": "d", "user_code": "u", "verification_uri": "https://x", "expires_in": 0.05}
    qwen.upstream.then(whole(short), asked=DEVICE)
    qwen.upstream.always(PENDING, asked=TOKEN)
    with pytest.raises(LoginError, match="Nobody confirmed the login in time"):
        login()


def test_it_can_be_cancelled(qwen: Qwen) -> None:
    async def run() -> None:
        async with oauth.server().client() as client:
            task = asyncio.create_task(oauth.confirmed(client, await oauth.invite(client)))
            await asyncio.sleep(0.03)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        status(500),
        html(),
        whole({}),
        whole({"device_code": "d", "user_code": "u", "verification_uri": "javascript:x", "expires_in": 1}),
        whole(
            {"device_code": "d", "user_code": "u", "verification_uri": "https://x\x1b[2J", "expires_in": 1}
        ),
        whole({"device_code": "d", "user_code": "u", "verification_uri": "https://x", "expires_in": "soon"}),
    ],
)
def test_a_server_that_begins_no_login_is_named(qwen: Qwen, answer: Any) -> None:
    qwen.upstream.then(answer, asked=DEVICE)
    with pytest.raises(NotNow, match=r"127\.0\.0\.1 does not begin a login"):
        invited()


def test_no_code_follows_a_redirect(qwen: Qwen, upstreams: Callable[..., Upstream]) -> None:
    other = upstreams()
    qwen.upstream.then(redirect(f"{other.origin}{TOKEN}"), asked=TOKEN)
    with pytest.raises(LoginError):
        login()
    assert other.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.qwen.ai",
        "ftp://x",
        "chat.qwen.ai",
        "https://",
        "https://u@x",
        "https://x?y",
        "http://127.0.0.1.evil.example",
    ],
)
def test_a_login_server_that_others_could_listen_to_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv(oauth.VARIABLE, url)
    with pytest.raises(SetupError, match=oauth.VARIABLE):
        oauth.server()


@pytest.mark.parametrize(
    "url", ["https://login.example.com/qwen/", "http://localhost:8000", "http://127.0.0.1:1"]
)
def test_an_own_login_server_may_be_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(oauth.VARIABLE, url)
    assert oauth.server().url == url.rstrip("/")


def test_without_one_it_is_qwens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(oauth.VARIABLE, raising=False)
    assert oauth.server().url == "https://chat.qwen.ai"
