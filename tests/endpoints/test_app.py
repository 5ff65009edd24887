"""What is served where, and in which order a request is judged: who, then what, then its body."""

import itertools
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from endpoints.conftest import CANARY
from endpoints.talk import HELLO, Line, ask, chat, look, request
from idetour.endpoints import models
from idetour.endpoints.app import READABLE
from idetour.endpoints.entry import TICKET, Entry
from idetour.endpoints.health import Refusals
from idetour.profile import Target
from idetour.secret import Secret
from upstream import Upstream, status, stream, until

if TYPE_CHECKING:
    from conftest import Serving

ACCESS = "access: the-access-key-1"
BODY = json.dumps(HELLO).encode()
PATHS = ("/v1/chat/completions", "/v1/models", "/", "/health", "/nope")

STRANGERS = [
    {"host": "evil.example"},
    {"host": "127.0.0.1.evil.example:8080"},
    {"host": "localhost@evil.example"},
    {"host": "evil.example", "origin": "http://localhost:3000"},
    {"origin": "https://evil.example"},
    {"origin": "http://localhost.evil.example"},
    {"origin": "null"},
    {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
    {"origin": "null", "sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "cross-site"},
]
MANNERS = [
    ("GET", "/v1/models", ""),
    ("GET", "/", "text/html"),
    ("HEAD", "/health", ""),
    ("OPTIONS", "/v1/chat/completions", ""),
    ("POST", "/v1/chat/completions", "application/json"),
    ("POST", "/", "text/plain"),
    ("POST", "/v1/chat/completions", "application/x-www-form-urlencoded"),
]


def test_no_web_page_and_no_foreign_name_gets_anything(port: int, upstream: Upstream) -> None:
    answers = {}
    for (method, path, kind), stranger in itertools.product(MANNERS, STRANGERS):
        body = BODY if method == "POST" else b""
        answer = ask(port, method, path, body, content_type=kind, **stranger)
        answers[method, path, kind, *stranger.values()] = (
            answer.status,
            "access-control-allow-origin" in answer.headers,
        )
    assert len(answers) == 70
    assert set(answers.values()) == {(403, False)}
    assert [each for each in upstream.requests if each.method == "POST"] == []


def test_two_hosts_are_none(port: int) -> None:
    with Line(port) as line:
        line.send(b"GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n\r\n")
        assert line.answer().status == 403


def test_a_request_without_a_host_is_refused(port: int) -> None:
    with Line(port) as line:
        assert line.send(b"GET /v1/models HTTP/1.0\r\n\r\n").answer().status == 403


def test_without_a_key_every_path_but_the_greeting_is_shut(served: Callable[..., "Serving"]) -> None:
    port = served("access: the-access-key-1").port
    for method, path in itertools.product(("GET", "POST", "PUT", "HEAD"), PATHS):
        greets = path in ("/", "/health") and (method, path) != ("POST", "/")
        expected = (200 if method in ("GET", "HEAD") else 405) if greets else 401
        assert ask(port, method, path, b"{").status == expected, (method, path)
    assert look(port, "/v1/models", x_api_key="the-access-key-1").status == 200


def test_the_host_is_judged_before_the_key_and_the_key_before_the_body(
    served: Callable[..., "Serving"],
) -> None:
    port = served("access: the-access-key-1").port
    head = "content-length: 99999999\r\n\r\n"
    with Line(port) as line:
        line.send(f"POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\n{head}".encode())
        assert line.answer().status == 403
    with Line(port) as line:
        line.send(f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{head}".encode())
        assert line.answer().status == 401


@pytest.mark.parametrize("origin", ["http://localhost:3000", "vscode-file://vscode-app"])
def test_a_page_on_this_machine_may_read_the_answer_and_is_named(port: int, origin: str) -> None:
    for answer in (
        look(port, "/v1/models", origin=origin),
        chat(port, headers={"origin": origin}, model="nope"),
    ):
        assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (origin, "Origin")


def test_a_preflight_has_no_body_no_length_and_no_star(port: int) -> None:
    asked = {
        "origin": "http://localhost:3000",
        "access_control_request_headers": "authorization, x-stainless-os",
    }
    answer = ask(port, "OPTIONS", "/v1/chat/completions", b"", **asked)
    assert answer.status == 204
    id = answer.headers["x-idetour-request-id"]
    assert answer.headers == {
        "x-idetour-request-id": id,
        "x-request-id": id,
        "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
        "access-control-allow-headers": "authorization, x-stainless-os",
        "access-control-max-age": "600",
        "access-control-allow-origin": "http://localhost:3000",
        "access-control-expose-headers": READABLE["access-control-expose-headers"],
        "vary": "Origin",
    }
    assert "*" not in str(ask(port, "OPTIONS", "/v1/models").headers)


def test_a_page_that_the_profile_names_may_ask_and_no_other(served: Callable[..., "Serving"]) -> None:
    port = served("origins: https://Chat.example.com/").port
    page = {"origin": "https://chat.example.com", "sec_fetch_site": "cross-site"}
    answer = chat(port, headers=page)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "https://chat.example.com")
    assert "x-idetour-target" in answer.headers["access-control-expose-headers"]
    assert look(port, "/v1/models", origin="https://chat.example.com.evil.example").status == 403


def test_behind_a_reverse_proxy_a_key_is_needed(served: Callable[..., "Serving"]) -> None:
    public = {"host": "llm.example.com", "x_forwarded_for": "203.0.113.9"}
    open_port, locked = (
        served("names: llm.example.com").port,
        served(f"names: llm.example.com\n{ACCESS}").port,
    )
    assert [look(port, "/v1/models", **public).status for port in (open_port, locked)] == [401, 401]
    assert look(locked, "/v1/models", **public, x_api_key="the-access-key-1").status == 200
    assert look(open_port, "/v1/models").status == 200  # this machine itself, as ever
    assert look(locked, "/v1/models", host="other.example.com").status == 403


def test_behind_a_reverse_proxy_the_greeting_says_nothing_of_this_machine(
    served: Callable[..., "Serving"],
) -> None:
    serving = served(f"names: llm.example.com\n{ACCESS}")
    serving.gateway.app.handshakes = Refusals()
    assert "file" in look(serving.port, "/health").json()
    assert "file" not in look(serving.port, "/health", host="llm.example.com").json()


def test_behind_a_reverse_proxy_nothing_is_the_owners(served: Callable[..., "Serving"]) -> None:
    port = served(f"names: llm.example.com\n{ACCESS}", admin=Secret("the-admin-token")).port
    asked = {"x_idetour_admin": "the-admin-token", "x_api_key": "the-access-key-1"}
    for elsewhere in ({"host": "llm.example.com"}, {"x_forwarded_for": "203.0.113.9"}):
        assert look(port, "/admin/api/status", **asked, **elsewhere).status == 403
    assert look(port, "/admin/api/status", **asked).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../v1/models",
        "/v1/models%00",
        "/%2e%2e/models",
        "/v1/%ff",
        "/v1/chat/completions%0d%0ax:y",
        "/V1/models",
    ],
)
def test_an_odd_path_is_answered_in_json_and_not_as_another(port: int, path: str) -> None:
    answer = look(port, path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")


def test_the_hop_opens_with_a_ticket_only_and_with_each_one_once(served: Callable[..., "Serving"]) -> None:
    import asyncio

    serving = served()
    gateway = serving.gateway
    listening = asyncio.run_coroutine_threadsafe(
        gateway.server.listen("127.0.0.1", 0, hop=True), serving._loop
    )
    hop = listening.result(5)
    ticket = gateway.app.tickets.issue(Entry(host="api.openai.com", local=True))
    headers = {"host": "api.openai.com", TICKET.replace("-", "_"): ticket}
    assert look(hop, "/v1/models").status == 403
    assert look(hop, "/v1/models", **{**headers, "x_idetour_ticket": ticket[:-1]}).status == 403
    assert look(hop, "/v1/models", **headers).status == 200
    assert look(hop, "/v1/models", **headers).status == 403
    assert look(serving.port, "/v1/models", x_idetour_ticket="guessed").status == 403


def test_a_ticket_brings_the_credentials_that_the_flow_does_not_show(
    served: Callable[..., "Serving"],
) -> None:
    serving = served("access: the-access-key-1")
    door = Entry(host="api.openai.com", credentials={"authorization": "Bearer the-access-key-1"})
    ticket = serving.gateway.app.tickets.issue(door)
    headers = {"host": "api.openai.com", "authorization": "Bearer ***", "x-idetour-ticket": ticket}
    assert chat(serving.port, headers=headers).status == 200
    assert door.record is not None
    assert (door.record.door, door.record.target) == ("api.openai.com", Target("up", "model"))


def test_a_ticket_without_a_host_does_not_excuse_a_foreign_one(served: Callable[..., "Serving"]) -> None:
    serving = served()
    ticket = serving.gateway.app.tickets.issue(Entry())
    assert look(serving.port, "/v1/models", host="evil.example", x_idetour_ticket=ticket).status == 403


def test_a_request_of_our_own_that_comes_back_is_a_loop(served: Callable[..., "Serving"]) -> None:
    serving = served()
    via = f"1.1 front, 1.1 {serving.gateway.app.via}"
    answer = chat(serving.port, headers={"via": via, "host": "some.lan"})
    assert (answer.status, answer.code) == (508, "loop_detected")


def test_a_profile_that_leads_to_itself_asks_itself_once(served: Callable[..., "Serving"]) -> None:
    from idetour.profile.read import read

    serving = served()
    watched = serving.gateway.watched
    path = watched.current.path.with_name("loop.yaml")
    path.write_text(f"upstreams: {{me: {{url: '{serving.url}/v1'}}}}\nmodels: {{m: me/m}}")
    watched.current = read(path)
    answer = chat(serving.port, stream=True)
    assert (answer.status, answer.code, answer.headers["x-idetour-attempts"]) == (508, "loop_detected", "1")


def test_a_fault_of_our_own_is_told_without_its_details_and_logged_with_them(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(models, "listing", lambda *_: 1 / 0)
    answer = look(port, "/v1/models")
    assert (answer.status, answer.code, b"ZeroDivision" in answer.body) == (500, "internal_error", False)
    assert "ZeroDivisionError" in caplog.text


def test_the_upstreams_key_is_in_no_answer_header_log_or_record(
    served: Callable[..., "Serving"], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    serving = served()
    echo = {"error": {"message": f"Incorrect API key: {CANARY}", "code": CANARY, "param": CANARY}}
    event = b"data: " + json.dumps(echo).encode() + b"\n\n"
    scripts = [
        status(401, echo, x_seen=CANARY, retry_after="7"),
        status(400, f"<html>{'y' * 480}{CANARY}</html>".encode()),
        stream("Hello").paced(0.02).then_sends(4, event),
        stream("Hello").then_sends(1, event),
        stream("Hello"),
    ]
    said = [repr(look(serving.port, path)) for path in ("/", "/v1/models", "/health", "/nope")]
    for script in scripts:
        upstream.then(script)
        said += [repr(chat(serving.port, stream=True, model=model)) for model in ("m", f"up/{'x' * 9}")]
    said += [caplog.text, repr(serving.gateway.pipeline.recent), repr(serving.gateway.watched.current)]
    said += [each.line() for each in serving.gateway.pipeline.recent]
    seen = {request.header("authorization") for request in upstream.requests if request.method == "POST"}
    assert seen == {f"Bearer {CANARY}"}
    assert not any(CANARY[:8] in each for each in said)


def test_a_model_name_cannot_forge_a_header_or_a_line_of_the_log(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "idetour")
    name = "up/x\r\nset-cookie: a=b\x1b[2J\nforged → line"
    answer = chat(port, model=name)
    assert (answer.status, "set-cookie" in answer.headers) == (200, False)
    assert answer.json()["model"] == name
    assert until(lambda: "forged" in caplog.text)
    lines = [record.getMessage() for record in caplog.records if "forged" in record.getMessage()]
    assert (len(lines), lines[0].isprintable()) == (1, True)


def test_a_plain_request_line_for_another_host_is_no_way_around(port: int) -> None:
    with Line(port) as line:
        line.send(request("GET", "http://evil.example/v1/models", host="evil.example"))
        assert line.answer().status == 403
