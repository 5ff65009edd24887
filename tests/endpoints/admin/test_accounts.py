"""Every credential and how it is, for its owner."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endpoints.conftest import CANARY
from endpoints.talk import ask, chat, look
from idetour.accounts import store
from idetour.secret import Secret
from qwen import Qwen
from upstream import Upstream, status, until

OWNER = Secret("t" * 43)
KEY = Secret("another-canary-0123456789-wxyz")


@pytest.fixture
def port(served: Callable[..., Any], upstream: Upstream, user: Path) -> int:
    state = user / "state"
    state.mkdir()
    store.add(state, KEY, upstream="up", url=upstream.url, name="work", weight=2)
    Qwen(upstream).login(user / ".qwen", "mine", resource_url="portal.qwen.ai")
    upstream.always(status(404))
    number: int = served(admin=OWNER, state=state).port
    return number


def accounts(port: int) -> dict[str, Any]:
    answer = look(port, "/admin/api/accounts", x_idetour_admin=OWNER.reveal())
    assert b"canary" not in answer.body
    assert b"of-the-playing-server" not in answer.body
    return {f"{each['upstream']}/{each['name']}": each for each in answer.json()["accounts"]}


def test_each_credential_has_its_state_and_no_key(port: int) -> None:
    found = accounts(port)
    assert {name: (each["kind"], each["key"], each["state"]) for name, each in found.items()} == {
        "up/": ("environment", f"…{CANARY[-4:]}", "ready"),
        "up/work": ("added", "…wxyz", "ready"),
        "qwen/mine": ("login", "", "ready"),
    }
    assert found["up/work"]["weight"] == 2
    assert found["qwen/mine"]["expires"] > 0


def test_a_used_up_key_says_until_when_it_rests_and_how_often_it_was_asked(
    port: int, upstream: Upstream
) -> None:
    upstream.always(status(402, {"error": {"message": "no credit left"}}))
    assert chat(port).status == 429
    found = accounts(port)
    for name in ("up/", "up/work"):
        each = found[name]
        assert (each["state"], each["today"]) == ("cooling", 1)
        assert 1700 < each["left"] <= 1980
        assert "no credit left" in each["why"]


def test_a_lost_login_says_what_to_do(port: int, tmp_path: Path) -> None:
    file = tmp_path / ".qwen" / "oauth_creds_mine.json"
    file.write_text(json.dumps({"access_token": "x"}))

    assert until(lambda: accounts(port)["qwen/mine"]["state"] == "needs login")
    assert "idetour login qwen mine" in accounts(port)["qwen/mine"]["why"]


def test_it_is_read_only(port: int) -> None:
    answer = ask(port, "POST", "/admin/api/accounts", b"{}", x_idetour_admin=OWNER.reveal())
    assert answer.status == 405
