"""What takes the admin token: who gets in, what they see, what they change."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.talk import Answer, ask, chat, look
from idetour.endpoints import admin
from idetour.endpoints.admin import FILE, HEADER, METHODS, stored, token
from idetour.endpoints.entry import Entry
from idetour.errors import SetupError
from idetour.secret import Secret
from upstream import Upstream, status, until

if TYPE_CHECKING:
    from conftest import Serving

TOKEN = Secret("t" * 43)
BEARER = {"authorization": f"Bearer {TOKEN.reveal()}"}
ROUTES = "routes: {r: [{use: {up/a: 1, up/b: 1}}]}"
SURFACE = [(method, path) for path, methods in METHODS.items() for method in methods]
NEARLY = [
    *({}, {"authorization": "Bearer"}, {"authorization": "Bearer "}, {HEADER: ""}, {HEADER: "x" * 43}),
    *({HEADER: TOKEN.reveal()[:-1]}, {HEADER: f"{TOKEN.reveal()}t"}, {HEADER: TOKEN.reveal().upper()}),
    *({"authorization": TOKEN.reveal()}, {"authorization": f"Basic {TOKEN.reveal()}"}),
    *(
        {"x-api-key": TOKEN.reveal()},
        {"cookie": f"{HEADER}={TOKEN.reveal()}"},
        {HEADER: f"Bearer {TOKEN.reveal()}"},
    ),
]


@pytest.fixture
def owned(served: Callable[..., "Serving"], tmp_path: Path) -> "Serving":
    (tmp_path / "state").mkdir()
    return served(ROUTES, admin=TOKEN, state=tmp_path / "state")


def own(
    port: int, method: str = "GET", path: str = admin.STATUS, body: object = None, **headers: str
) -> Answer:
    sent = {"content_type": "application/json", **BEARER, **headers}
    return ask(port, method, path, b"" if body is None else json.dumps(body).encode(), **sent)


# The token.


def test_the_token_is_made_once_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    first = token(tmp_path)

    assert token(tmp_path) == stored(tmp_path) == first
    assert len(first.reveal()) == 43
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_each_home_has_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()

    assert token(folders[0]) != token(folders[1])


def test_programs_that_start_at_once_agree_on_one(tmp_path: Path) -> None:
    found: list[Secret] = []
    threads = [threading.Thread(target=lambda: found.append(token(tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1


@pytest.mark.parametrize("content", ["", "\n", "short", " " * 60, "é" * 60])
def test_a_file_that_holds_no_token_opens_to_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(SetupError, match=FILE):
        token(tmp_path)


# Who gets in.


@pytest.mark.parametrize(
    "way", [BEARER, {HEADER: TOKEN.reveal()}, {"authorization": f"bearer {TOKEN.reveal()}"}]
)
def test_the_token_opens_in_either_header(owned: "Serving", way: dict[str, str]) -> None:
    assert look(owned.port, admin.STATUS, **way).status == 200


def test_without_it_nothing_is_answered_on_any_path_or_method(owned: "Serving") -> None:
    for path in METHODS:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"):
            for headers in NEARLY:
                answer = ask(owned.port, method, path, b"{}", content_type="application/json", **headers)
                assert (answer.status, b"targets" in answer.body) == (401, False), (method, path, headers)
    assert own(owned.port, path=admin.WEIGHTS).json() == {"differs": {}}


def test_an_idetour_without_a_token_lets_nobody_in(served: Callable[..., "Serving"]) -> None:
    port = served().port
    for headers in [*NEARLY, BEARER]:
        assert look(port, admin.STATUS, **headers).status == 401


@pytest.mark.parametrize(("method", "path"), SURFACE)
def test_no_page_from_elsewhere_and_no_foreign_name_gets_in_even_with_it(
    owned: "Serving", method: str, path: str
) -> None:
    strangers = [
        {"host": "evil.example"},
        {"host": "localhost@evil.example"},
        {"host": "x/?"},
        {"host": "x#@y"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
    ]
    for stranger in strangers:
        body = {"r": {"up/a": 5}} if method == "POST" else None
        answer = own(owned.port, method, path, body, **stranger)
        assert (answer.status, "access-control-allow-origin" in answer.headers) == (403, False), stranger
    assert owned.gateway.app.admin.weights.differing == {}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
@pytest.mark.parametrize("path", [admin.WEIGHTS, admin.CLEAR])
def test_what_a_web_form_could_send_changes_nothing(owned: "Serving", path: str, kind: str) -> None:
    answer = own(owned.port, "POST", path, {"up/a": 5}, content_type=kind)

    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert owned.gateway.app.admin.weights.differing == {}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("127.8.8.8", 200),
        ("192.168.1.7", 403),
        ("fe80::1%eth0", 403),
        ("8.8.8.8", 403),
        ("", 403),
    ],
)
def test_other_machines_are_refused_even_with_the_token(owned: "Serving", host: str, expected: int) -> None:
    """An idetour that serves a network is asked by its name there."""
    heard: list[Any] = []

    async def asked() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            heard.append(message)

        headers = [(b"host", b"localhost"), (HEADER.encode(), TOKEN.reveal().encode())]
        scope = {
            "type": "http",
            "method": "GET",
            "path": admin.STATUS,
            "headers": headers,
            "client": (host, 5),
        }
        await owned.gateway.app(scope, receive, send)

    asyncio.run(asked())
    assert heard[0]["status"] == expected


@pytest.mark.parametrize(
    ("door", "expected"),
    [(Entry(local=True), 200), (Entry(), 403), (Entry(host="api.openai.com", local=True), 404)],
)
def test_through_the_proxy_it_is_for_this_machine_and_under_our_own_name(
    owned: "Serving", door: Entry, expected: int
) -> None:
    ticket = owned.gateway.app.tickets.issue(door)

    assert own(owned.port, x_idetour_ticket=ticket).status == expected


def test_an_access_key_is_no_admin_token_and_the_token_needs_no_access_key(
    served: Callable[..., "Serving"],
) -> None:
    port = served("access: the-access-key-1", admin=TOKEN).port

    assert look(port, admin.STATUS, authorization="Bearer the-access-key-1").status == 401
    assert own(port).status == 200
    assert look(port, "/v1/models", **BEARER).status == 401


def test_a_wrong_method_is_told_the_right_one(owned: "Serving") -> None:
    answer = own(owned.port, "PUT", admin.WEIGHTS)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST, DELETE")


# Weights.


def answered(port: int, times: int = 8) -> set[str]:
    return {chat(port, model="r").headers["x-idetour-target"] for _ in range(times)}


def test_weights_change_who_answers_from_the_next_request_on(owned: "Serving") -> None:
    answer = own(owned.port, "POST", admin.WEIGHTS, {"up/a": 0})

    change = {"r": {"up/a": {"was": 1, "now": 0}}}
    assert answer.json() == {"changed": change, "differs": change}
    assert answered(owned.port) == {"up/b"}
    assert own(owned.port, "POST", admin.WEIGHTS, {"r": {"up/b": 0, "up/a": 1}}).json() == {
        "changed": {"r": {"up/a": {"was": 0, "now": 1}, "up/b": {"was": 1, "now": 0}}},
        "differs": {"r": {"up/b": {"was": 1, "now": 0}}},
    }
    assert answered(owned.port) == {"up/a"}
    assert own(owned.port).json()["weights"] == {"r": {"up/b": {"was": 1, "now": 0}}}


def test_they_are_taken_back_by_delete(owned: "Serving") -> None:
    own(owned.port, "POST", admin.WEIGHTS, {"up/a": 5})
    answer = own(owned.port, "DELETE", admin.WEIGHTS)

    assert answer.json() == {"changed": {"r": {"up/a": {"was": 5, "now": 1}}}, "differs": {}}


def test_weights_that_mean_nothing_are_refused(owned: "Serving") -> None:
    bodies: list[object] = [{}, {"up/c": 1}, {"up/a": -1}, {"up/a": 0, "up/b": 0}, []]
    for body in bodies:
        assert own(owned.port, "POST", admin.WEIGHTS, body).status == 400, body
    assert own(owned.port, path=admin.WEIGHTS).json() == {"differs": {}}


def test_weights_survive_a_restart_and_a_changed_profile(
    served: Callable[..., "Serving"], tmp_path: Path
) -> None:
    how: dict[str, Any] = {"admin": TOKEN, "state": tmp_path}
    first = served(ROUTES, **how)
    own(first.port, "POST", admin.WEIGHTS, {"up/a": 0})
    second = served(ROUTES, **how)
    assert answered(second.port) == {"up/b"}
    path = second.gateway.watched.current.path
    path.write_text(path.read_text().replace("up/b: 1", "up/b: 1, up/c: 1"))
    assert until(lambda: "up/c" in second.gateway.watched.current.routes["r"][0].use)
    assert "up/a" not in answered(second.port)


# Status.


def test_the_status_tells_what_happened_and_nothing_that_was_said(
    owned: "Serving", upstream: Upstream
) -> None:
    upstream.then(status(400, {"error": {"message": "the secret plan is refused"}}), asked="model")
    for _ in range(2):
        chat(owned.port, model="m", messages=[{"role": "user", "content": "the secret plan"}])
    answer = own(owned.port)
    last, before = answer.json()["recent"]

    assert (last["asked"], last["target"], last["outcome"], last["status"]) == ("m", "up/model", "ok", 200)
    assert (last["tokens"]["prompt"], last["tokens"]["completion"]) == (9, 3)
    assert [each["ended"] for each in last["attempts"]] == ["answered"]
    assert (before["target"], before["outcome"], before["status"]) == (None, "failed", 400)
    assert last["total"] > 0
    assert b"Hello" not in answer.body
    assert "plan" not in json.dumps(answer.json()["recent"])
    assert answer.headers["cache-control"] == "no-store"


def test_the_status_says_when_the_profile_on_disk_is_broken(owned: "Serving") -> None:
    path = owned.gateway.watched.current.path
    assert own(owned.port).json()["profile"] == {"name": "profile", "file": str(path), "problem": None}
    path.write_text("models: {m: nowhere}")
    assert until(lambda: owned.gateway.watched.problem)
    assert "nowhere" in own(owned.port).json()["profile"]["problem"]


def test_no_key_is_in_the_status(owned: "Serving") -> None:
    from endpoints.conftest import CANARY

    chat(owned.port)
    said = own(owned.port).body.decode()

    assert CANARY not in said
    assert TOKEN.reveal() not in said
