"""Requests that nobody was asked for: each has an id, a line, and a place in the list where its client meant a model."""

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.admin.owning import TOKEN, got
from endpoints.talk import HELLO, Answer, ask
from idetour.endpoints import rejected
from idetour.endpoints.rejected import for_a_model
from upstream import Upstream, status

if TYPE_CHECKING:
    from conftest import Serving

CHAT, BODY = "/v1/chat/completions", json.dumps(HELLO).encode()
KEY = {"authorization": "Bearer the-access-key-1"}


@pytest.fixture
def port(served: Callable[..., "Serving"]) -> int:
    return served("access: the-access-key-1", admin=TOKEN).port


def listed(port: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = got(port, "requests")["requests"]
    return rows


def id_of(answer: Answer) -> str:
    assert answer.headers["x-request-id"] == answer.headers["x-idetour-request-id"]
    return answer.headers["x-idetour-request-id"]


def test_a_client_without_the_key_finds_its_request(port: int) -> None:
    answer = ask(port, "POST", CHAT, BODY, user_agent="Trae/3.3")
    [row] = listed(port)
    assert (answer.status, row["id"], answer.json()["request_id"]) == (401, id_of(answer), row["id"])
    assert (row["outcome"], row["status"], row["client"], row["path"]) == ("refused", 401, "Trae", CHAT)
    assert (row["tries"], row["asked"], row["target"], row["protocol"]) == (0, "", None, "chat")
    assert "IDETOUR_API_KEY" in row["error"] or "key" in row["error"]
    assert got(port, f"requests/{row['id']}")["attempts"] == []


def test_so_does_one_whose_body_cannot_be_read_and_nothing_of_it_is_kept(port: int) -> None:
    answer = ask(port, "POST", "/v1/messages", b'{"model": "canary-1"', **KEY)
    [row] = listed(port)
    assert (answer.status, row["id"], row["protocol"]) == (400, id_of(answer), "messages")
    assert (answer.headers["request-id"], answer.json()["request_id"]) == (row["id"], row["id"])
    assert "canary" not in json.dumps(got(port, f"requests/{row['id']}"))


@pytest.mark.parametrize("path", ["/api/chat", "/api/claude"])
def test_a_script_that_asks_for_an_unknown_model_is_listed_once_as_failed(
    port: int, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({**HELLO, "model": "unknown", "max_tokens": 9}).encode()
    with caplog.at_level(logging.INFO):
        answer = ask(port, "POST", path, body, **KEY)
    [row] = listed(port)
    assert (answer.status, row["id"]) == (404, id_of(answer))
    assert (row["outcome"], row["asked"]) == ("failed", "unknown")
    assert not any("refused" in line for line in caplog.messages)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/favicon.ico"), ("POST", "/wp-login.php"), ("GET", CHAT), ("GET", "/admin/api/status")],
)
def test_who_tries_paths_gets_an_id_and_no_place_in_the_list(port: int, method: str, path: str) -> None:
    answer = ask(port, method, path, b"")
    assert answer.status in (401, 404, 405)
    assert id_of(answer).startswith("req_")
    assert listed(port) == []


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("POST", "/v1/completions", True),
        ("GET", "/v1/models", True),
        ("POST", "/", True),
        ("GET", "/", False),
        ("GET", "/v1/responses", False),  # Codex asks for a WebSocket there, and goes on without
        ("OPTIONS", CHAT, False),
        ("POST", "/admin/api/clear", False),
        ("POST", "/login", False),
    ],
)
def test_where_a_client_of_a_model_asks(method: str, path: str, meant: bool) -> None:
    assert for_a_model(method, path) is meant


def test_a_flood_fills_no_list(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejected, "MOST", 3)
    ids = [id_of(ask(port, "POST", CHAT, BODY)) for _ in range(5)]
    assert [row["id"] for row in listed(port)] == ids[2::-1]
    monkeypatch.setattr(rejected, "MINUTE", -1.0)
    last = id_of(ask(port, "POST", CHAT, BODY))
    assert listed(port)[0]["id"] == last


def test_a_line_names_the_id_and_sums_and_metrics_stay_those_of_models(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="idetour")
    id = id_of(ask(port, "POST", CHAT, BODY))
    [line] = [each for each in caplog.records if "refused 401" in each.getMessage()]
    assert (vars(line)["request"], vars(line)["kind"]) == (id, "refused")
    assert listed(port)[0]["id"] == id
    assert got(port, "usage")["totals"]["requests"] == 0
    page = ask(port, "GET", "/metrics", b"", authorization=f"Bearer {TOKEN.reveal()}").body.decode()
    assert 'idetour_refused_total{status="401"} 1' in page
    assert "idetour_requests_total{" not in page


def test_who_is_asked_has_one_id_from_the_answer_to_the_list(port: int, upstream: Upstream) -> None:
    upstream.always(status(400, {"error": {"message": "too odd"}}))
    answer = ask(port, "POST", CHAT, BODY, **KEY)
    [row] = listed(port)
    assert (row["outcome"], row["id"], answer.json()["request_id"]) == ("failed", id_of(answer), row["id"])


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/messages", "/v1/embeddings"])
def test_an_error_of_the_pipeline_holds_its_id_in_every_protocol(port: int, path: str) -> None:
    said = (
        {"messages": HELLO["messages"], "max_tokens": 9}
        if path in (CHAT, "/v1/messages")
        else {"input": "hi"}
    )
    body = json.dumps({"model": "nobody", **said}).encode()
    answer = ask(port, "POST", path, body, **KEY)
    assert (answer.status, answer.json()["request_id"]) == (404, id_of(answer))
