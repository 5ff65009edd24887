"""`idetour accounts list` beside an idetour that runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.printed import lines
from endpoints.talk import chat
from idetour.accounts.pool import Listed
from idetour.cli.faring import Account, condition
from idetour.endpoints.admin import token
from idetour.home import folder
from qwen import Qwen
from upstream import Upstream, status, until

type Idetour = Callable[..., Result]

KEY = "sk-canary-0123456789-wxyz"


@pytest.fixture
def house(
    home: Path,
    user: Path,
    upstream: Upstream,
    profile_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    monkeypatch.setenv("HOUSE", KEY)
    text = f"upstreams: {{ house: {{ url: '{upstream.url}', key: $HOUSE }} }}\nmodels: {{ m: house/x }}"
    path = profile_file(text)
    monkeypatch.setenv("IDETOUR_PROFILE", str(path))
    return path


@pytest.fixture
def port(house: Path, serving: Callable[..., Any]) -> int:
    state = folder("state")
    number: int = serving(house, state=state, admin=token(state)).port
    return number


def test_who_was_asked_today_and_who_rests_is_asked_of_it(
    idetour: Idetour, port: int, upstream: Upstream
) -> None:
    assert lines(idetour("accounts", "list", "-p", port))[1] == "house environment …wxyz 0 ready"
    assert chat(port).status == 200
    assert until(lambda: "…wxyz 1 ready" in lines(idetour("accounts", "list", "-p", port))[1])
    upstream.always(status(402, {"error": {"message": "no credit left"}}))
    chat(port)
    line = lines(idetour("accounts", "list", "-p", port))[1]
    assert line.startswith("house environment …wxyz 2 rests for 3")
    assert "no credit left" in line


def test_today_is_that_of_all_processes_of_this_home_also_after_a_restart(
    idetour: Idetour, house: Path, serving: Callable[..., Any], upstream: Upstream
) -> None:
    state = folder("state")
    first = serving(house, state=state, admin=token(state))
    chat(first.port)
    second = serving(house, state=state, admin=token(state))

    assert until(lambda: "…wxyz 1 ready" in lines(idetour("accounts", "list", "-p", second.port))[1])


def test_a_lost_login_is_told_as_it_sees_it(
    idetour: Idetour, house: Path, serving: Callable[..., Any], user: Path, upstream: Upstream
) -> None:
    Qwen(upstream).login(user / ".qwen", "mine", resource_url="portal.qwen.ai")
    state = folder("state")
    running = serving(house, state=state, admin=token(state))
    assert any(
        line.startswith("qwen/mine login 0 token until")
        for line in lines(idetour("accounts", "list", "-p", running.port))
    )
    (user / ".qwen" / "oauth_creds_mine.json").write_text(json.dumps({"access_token": "x"}))

    def lost() -> bool:
        found = json.loads(idetour("accounts", "list", "--json", "-p", running.port).stdout)
        return any(each["running"]["state"] == "needs login" for each in found)

    assert until(lost)
    assert "idetour login qwen mine" in idetour("accounts", "list", "-p", running.port).stdout


def test_what_only_one_of_both_has_is_told(
    idetour: Idetour, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSE", "sk-canary-another-0123456789-abcd")
    found = lines(idetour("accounts", "list", "-p", port))

    assert found[1:] == [
        "house environment …abcd – the running idetour does not know it",
        "house environment …wxyz 0 ready",
    ]


def test_where_none_runs_that_is_said(idetour: Idetour, house: Path, free_port: int) -> None:
    found = lines(idetour("accounts", "list", "-p", free_port))

    assert found[1] == "house environment …wxyz ready"
    assert found[2].startswith(f"No idetour runs on port {free_port}, so nobody knows who rests")
    (told,) = json.loads(idetour("accounts", "list", "--json", "-p", free_port).stdout)
    assert told["running"] is None


def test_one_of_another_home_is_not_believed(
    idetour: Idetour, house: Path, serving: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    running = serving(house, state=tmp_path / "other", admin=token(tmp_path / "other"))
    found = lines(idetour("accounts", "list", "-p", running.port))

    assert found[1] == "house environment …wxyz ready"
    assert "another home" in " ".join(found[2:])


def test_what_it_knows_does_not_hide_what_is_known_here() -> None:
    ready = {"state": "ready", "why": "", "left": None, "today": 0}

    def said(running: dict[str, Any] | None, **kept: Any) -> str:
        return condition(Account(Listed("up/a", "added", "…1234", **kept), running, alone=False))

    assert said(ready) == "ready"
    assert said(None, disabled=True) == "rests (idetour accounts enable)"
    assert said(None, trouble="its key is not in the keyring") == "its key is not in the keyring"
    assert said(ready | {"state": "cooling", "left": 7.0, "why": "busy"}) == "rests for 7.0 s: busy"
    assert said(ready | {"state": "needs login", "why": "Log in."}) == "Log in."
