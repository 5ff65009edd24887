"""Who may ask. Web pages that try are in test_faults.py."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.model import DONE
from agent.serving import Server
from idetour.agent.guard import good_ticket, ticket, token
from idetour.errors import SetupError
from idetour.secret import Secret

type Serve = Callable[..., Server]


def test_every_path_asks_for_the_token(serve: Serve) -> None:
    server = serve([DONE])
    schema = server.get("/openapi.json")["paths"]
    public = {"/api/health"}
    server.key = {}
    answers = {
        (method, path): server.ask(method.upper(), path.replace("{id}", "x"))
        for path, methods in schema.items()
        for method in methods
        if path not in public
    }

    assert len(answers) > 15
    assert {answer.status_code for answer in answers.values()} == {401}
    assert server.ask("GET", "/api/health").status_code == 200
    assert server.ask("GET", "/api/anything").status_code == 401


@pytest.mark.parametrize("shown", ["Bearer ", "Bearer wrong", "Basic {}", "{}", "Bearer {}x"])
def test_nearly_the_token_is_not_the_token(serve: Serve, shown: str) -> None:
    server = serve([DONE])
    own = server.key["authorization"].removeprefix("Bearer ")
    server.key = {}

    assert server.ask("GET", "/api/tasks", authorization=shown.format(own).strip()).status_code == 401
    assert server.ask("GET", f"/api/tasks?access_token={own}").status_code == 401


def test_a_ticket_opens_one_stream_and_nothing_else(serve: Serve) -> None:
    server = serve([DONE])
    one, other = (server.done()["task_id"] for _ in range(2))
    shown = server.ask("POST", f"/api/tasks/{one}/ticket").json()["ticket"]
    server.key = {}

    def answered(path: str) -> int:
        return server.ask("GET", f"{path}?access_token={shown}").status_code

    assert answered(f"/api/tasks/{one}/stream") == 200
    assert answered(f"/api/tasks/{other}/stream") == 401
    assert answered(f"/api/tasks/{one}/status") == 401


@pytest.mark.parametrize("shown", ["", ".", "x.y", "99999999999.", "é.é", "1" * 400, "-1.x"])
def test_a_ticket_that_is_none_is_refused(shown: str) -> None:
    assert not good_ticket(Secret("t" * 43), "task", shown)


def test_a_ticket_ends() -> None:
    secret = Secret("t" * 43)

    assert good_ticket(secret, "task", ticket(secret, "task", time.time() + 5))
    assert not good_ticket(secret, "task", ticket(secret, "task", time.time() - 5))
    assert not good_ticket(Secret("u" * 43), "task", ticket(secret, "task", time.time() + 5))


def test_the_token_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    assert token(tmp_path) == token(tmp_path)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    (tmp_path / "token").write_text("short")
    with pytest.raises(SetupError, match="holds no token"):
        token(tmp_path)


def test_a_page_that_is_allowed_may_ask_and_read(serve: Serve) -> None:
    server = serve([DONE], origins=["https://board.example"])
    origin = {"origin": "https://board.example"}
    asked = server.ask("OPTIONS", "/api/run", **origin, access_control_request_method="POST")
    read = server.ask("GET", "/api/tasks", **origin)

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, origin["origin"])
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert read.headers["access-control-allow-origin"] == origin["origin"]
    assert "access-control-allow-origin" not in server.ask("GET", "/api/tasks").headers


def test_a_request_without_a_body_may_say_that_it_is_a_form(serve: Serve) -> None:
    """As axios does. A page that sends a form says where it is from."""
    server = serve([DONE])
    id, form = server.done()["task_id"], {"content_type": "application/x-www-form-urlencoded"}
    stop = f"/api/tasks/{id}/stop"

    assert server.ask("POST", stop, **form).status_code == 200
    assert server.ask("POST", stop, **form, origin="https://evil.example").status_code == 403
    assert server.ask("POST", stop, {"force": True}, **form).status_code == 415


def test_a_body_that_is_too_long_is_refused(serve: Serve, work: Path) -> None:
    answer = serve([DONE]).ask("POST", "/api/run", {"task": "x" * (2 << 20), "working_dir": str(work)})

    assert (answer.status_code, answer.json()["status"]) == (413, "error")
