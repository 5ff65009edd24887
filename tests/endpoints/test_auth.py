"""Logging in to Qwen through a running idetour: what is asked and answered, and that no code and no token leaves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endpoints.talk import Answer, ask, look
from idetour.accounts.qwen import pending
from idetour.secret import Secret
from qwen import DEVICE, TOKEN, Qwen
from upstream import html, status

OWNER = Secret("t" * 43)
OWN = {"x_idetour_admin": OWNER.reveal(), "content_type": "application/json"}


@pytest.fixture
def port(served: Callable[..., Any], qwen: Qwen, tmp_path: Path) -> int:
    state = tmp_path / "state"
    state.mkdir()
    number: int = served(admin=OWNER, state=state).port
    return number


def post(port: int, path: str, **fields: Any) -> Answer:
    return ask(port, "POST", path, json.dumps(fields).encode(), **OWN)


def message(answer: Answer) -> str:
    return str(answer.json()["error"]["message"])


@pytest.mark.parametrize(
    "paths", [("/auth/initiate", "/auth/poll"), ("/admin/api/login", "/admin/api/login/poll")]
)
def test_a_login_is_begun_confirmed_and_kept(
    qwen: Qwen, port: int, tmp_path: Path, paths: tuple[str, str]
) -> None:
    begun = post(port, paths[0], account="work").json()
    assert begun["user_code"] == "ABCD-1234"
    assert begun["verification_uri"].startswith(f"{qwen.upstream.origin}/authorize?user_code=")
    assert 890 < begun["expires_in"] <= 900
    assert "Qwen ended its free accounts" in begun["message"]
    waiting = post(port, paths[1], device_code=begun["device_code"], wait=0.05)
    assert (waiting.status, waiting.json()["status"]) == (202, "pending")
    qwen.confirmed = True
    done = post(port, paths[1], device_code=begun["device_code"], code_verifier=begun["code_verifier"])
    kept = json.loads((tmp_path / ".qwen" / "oauth_creds_work.json").read_bytes())
    assert (done.status, done.json()["account"]) == (200, "work")
    assert done.json()["access_token"] == f"…{kept['access_token'][-4:]}"
    said = json.dumps([begun, waiting.json(), done.json()])
    assert not any(secret in said for secret in ("dc-", kept["access_token"], kept["refresh_token"]))


def test_a_handle_is_good_for_one_answer(qwen: Qwen, port: int) -> None:
    qwen.confirmed = True
    handle = post(port, "/auth/initiate").json()["device_code"]
    assert post(port, "/auth/poll", device_code=handle).status == 200
    again = post(port, "/auth/poll", device_code=handle)
    assert (again.status, again.code) == (404, "login_unknown")


def test_a_client_without_a_body_may_begin(qwen: Qwen, port: int) -> None:
    answer = ask(port, "POST", "/auth/initiate", b"", x_idetour_admin=OWNER.reveal())
    assert answer.status == 200


def test_a_login_that_is_denied_says_so(qwen: Qwen, port: int) -> None:
    qwen.confirmed = False
    handle = post(port, "/auth/initiate").json()["device_code"]
    answer = post(port, "/auth/poll", device_code=handle)
    assert (answer.status, answer.code) == (400, "login_failed")
    assert "denied in the browser" in message(answer)


@pytest.mark.parametrize("bad", [status(500), html()])
def test_a_login_server_that_begins_none_is_named(qwen: Qwen, port: int, bad: Any) -> None:
    qwen.upstream.then(bad, asked=DEVICE)
    answer = post(port, "/auth/initiate")
    assert (answer.status, answer.code) == (502, "login_unavailable")
    assert "127.0.0.1" in message(answer)


def test_too_many_at_once_are_refused(qwen: Qwen, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 2)
    qwen.upstream.always(status(400, {"error": "authorization_pending"}), asked=TOKEN)
    answers = [post(port, "/auth/initiate") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].code == "too_many_logins"


@pytest.mark.parametrize("account", ["../x", "", "a b", "x" * 41])
def test_an_account_has_a_plain_name(qwen: Qwen, port: int, account: str) -> None:
    assert post(port, "/auth/initiate", account=account).status == 400


def test_where_it_cannot_be_written_it_is_said(qwen: Qwen, port: int, tmp_path: Path) -> None:
    (tmp_path / ".qwen").write_text("a file, where a folder has to be")
    qwen.confirmed = True
    handle = post(port, "/auth/initiate").json()["device_code"]
    answer = post(port, "/auth/poll", device_code=handle)
    assert (answer.status, answer.code) == (500, "login_not_kept")


@pytest.mark.parametrize("path", ["/auth/initiate", "/auth/poll", "/admin/api/login", "/admin/api/accounts"])
def test_it_takes_the_owner(qwen: Qwen, port: int, path: str) -> None:
    method = "GET" if path.endswith("accounts") else "POST"
    answer = ask(port, method, path, b"{}" if method == "POST" else b"", content_type="application/json")
    assert (answer.status, answer.code) == (401, "admin_token_required")
    assert qwen.upstream.requests == []


def test_a_form_of_a_web_page_begins_nothing(qwen: Qwen, port: int) -> None:
    answer = ask(
        port,
        "POST",
        "/auth/initiate",
        b"account=x",
        x_idetour_admin=OWNER.reveal(),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status == 415


def test_people_are_led_to_a_page(qwen: Qwen, port: int) -> None:
    answer = look(port, "/auth")
    assert (answer.status, answer.headers["location"]) == (302, "/admin/login.html")
    page = look(port, "/admin/login.html")
    assert page.status == 200
    assert "/admin/login.js" in page.body.decode()
    assert look(port, "/admin/login.js").headers["content-type"].startswith("text/javascript")
