"""What takes the admin token, or a session: who gets in, from where, and with what."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.admin.owning import BEARER, STATUS, TOKEN, own
from endpoints.talk import ask, look
from idetour.endpoints import admin
from idetour.endpoints.admin import HEADER, METHODS
from idetour.endpoints.entry import Entry

if TYPE_CHECKING:
    from conftest import Serving

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


@pytest.mark.parametrize(
    "way", [BEARER, {HEADER: TOKEN.reveal()}, {"authorization": f"bearer {TOKEN.reveal()}"}]
)
def test_the_token_opens_in_either_header(owned: "Serving", way: dict[str, str]) -> None:
    assert look(owned.port, STATUS, **way).status == 200


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
        assert look(port, STATUS, **headers).status == 401


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
            "path": STATUS,
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

    assert look(port, STATUS, authorization="Bearer the-access-key-1").status == 401
    assert own(port).status == 200
    assert look(port, "/v1/models", **BEARER).status == 401


def test_a_wrong_method_is_told_the_right_one(owned: "Serving") -> None:
    answer = own(owned.port, "PUT", admin.WEIGHTS)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST, DELETE")
