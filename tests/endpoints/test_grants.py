"""Tokens of tasks: what they open, what they count, and how they end."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.talk import Answer, ask, chat, look
from idetour.endpoints.grants import Grant, Grants
from idetour.gateway.record import Record
from idetour.secret import Secret
from idetour.wire.usage import Usage
from upstream import until

if TYPE_CHECKING:
    from conftest import Serving

TOKENS = "/admin/api/tokens"
ADMIN = Secret("t" * 43)
PROFILE = "models: { coder: demo/hello, other: demo/hello }\naccess: [$ACCESS]"


@pytest.fixture
def port(
    serving: Callable[..., "Serving"],
    profile_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> int:
    """An idetour that asks for an access key."""
    monkeypatch.setenv("ACCESS", "the-access-key")
    return serving(profile_file(PROFILE), admin=ADMIN, state=tmp_path).port


def own(port: int, method: str, body: object = None) -> Answer:
    sent = b"" if body is None else json.dumps(body).encode()
    return ask(port, method, TOKENS, sent, content_type="application/json", x_idetour_admin=ADMIN.reveal())


def issued(port: int, **wanted: Any) -> dict[str, Any]:
    answer = own(port, "POST", {"label": "a task", **wanted})
    assert answer.status == 200, answer.body
    return dict(answer.json())


def asked(port: int, token: str, model: str = "coder") -> Answer:
    return chat(port, model=model, headers={"authorization": f"Bearer {token}"})


def test_a_token_lets_its_task_ask_in_place_of_an_access_key(port: int) -> None:
    token = issued(port)["token"]

    assert asked(port, token).status == 200
    assert look(port, "/v1/models", x_api_key=token).status == 200
    assert asked(port, "no-token").status == 401


def test_a_revoked_token_is_refused_from_the_next_request_on(port: int) -> None:
    grant = issued(port)
    asked(port, grant["token"])
    gone = own(port, "DELETE", {"id": grant["id"]}).json()
    refused = asked(port, grant["token"])

    assert (refused.status, refused.code) == (401, "token_revoked")
    assert gone["usage"]["requests"] == 1
    assert own(port, "GET").json() == {"tokens": []}
    assert own(port, "DELETE", {"id": grant["id"]}).status == 404


def test_what_its_task_used_is_counted(port: int) -> None:
    first, second = issued(port), issued(port)
    for token in (first["token"], first["token"], second["token"]):
        asked(port, token)
    used = {grant["id"]: grant["usage"] for grant in own(port, "GET").json()["tokens"]}

    assert used[first["id"]]["requests"] == 2
    assert used[first["id"]]["completion"] > used[second["id"]]["completion"] > 0


def test_a_token_may_be_for_some_models_only(port: int) -> None:
    token = issued(port, models=["coder"])["token"]

    assert asked(port, token).status == 200
    refused = asked(port, token, "other")
    assert (refused.status, refused.code) == (403, "model_not_granted")


def test_a_token_ends_by_itself(port: int) -> None:
    assert asked(port, issued(port, seconds=0)["token"]).status == 401


def test_a_token_opens_nothing_of_the_owners(port: int) -> None:
    token = issued(port)["token"]
    for path in ("/admin/api/status", TOKENS):
        assert look(port, path, authorization=f"Bearer {token}").status == 401


def test_tokens_survive_a_restart_and_only_their_digests_are_kept(
    serving: Callable[..., "Serving"],
    profile_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACCESS", "the-access-key")
    file = profile_file(PROFILE)
    token = issued(serving(file, admin=ADMIN, state=tmp_path).port)["token"]
    again = serving(file, admin=ADMIN, state=tmp_path)
    kept = tmp_path / "grants.sqlite"

    assert asked(again.port, token).status == 200
    assert token.encode() not in kept.read_bytes() + kept.with_name(kept.name + "-wal").read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_what_was_used_before_idetour_was_killed_counts(tmp_path: Path) -> None:
    record = Record(asked="coder", door="direct", usage=Usage(prompt=100, completion=10, total=110))
    killed = Grants(tmp_path / "grants.sqlite")
    used, _ = killed.issue("used", seconds=60, models=None)
    gone, _ = killed.issue("revoked", seconds=60, models=None)
    killed.count(used, record)
    killed.revoke(gone.id)
    killed.count(gone, record)  # a request that outlives its token brings nothing back

    def written() -> list[Grant]:
        with closing(Grants(tmp_path / "grants.sqlite")) as grants:
            return grants.live()

    until(lambda: written() == [used])  # nobody has closed it
    killed.close()


def test_a_token_that_is_over_does_not_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "grants.sqlite"
    with closing(Grants(path)) as grants:
        grants.issue("short", seconds=0, models=None)
    with closing(Grants(path)) as grants, closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM grants").fetchall() == []


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff" * 5000])
def test_a_file_that_cannot_be_read_lets_nobody_in(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "grants.sqlite").write_bytes(content)

    with closing(Grants(tmp_path / "grants.sqlite")) as grants:
        assert grants.live() == []


def test_a_grant_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "grants.sqlite"
    with closing(Grants(path)) as grants:
        grants.issue("a task", seconds=60, models=None)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE grants SET said = '{}'")

    with closing(Grants(path)) as grants:
        assert grants.live() == []


@pytest.mark.parametrize("body", [{"seconds": "long"}, {"unknown": 1}, [], {"models": "coder"}])
def test_a_wish_that_makes_no_sense_is_answered_with_an_example(port: int, body: object) -> None:
    answer = own(port, "POST", body)

    assert answer.status == 400
    assert b'{\\"label\\"' in answer.body
