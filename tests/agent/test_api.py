"""The interface as a whole: one shape of errors, and clients of the server before us that need no change."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import sseclient

from agent.model import DONE, bash
from agent.serving import Server
from idetour.agent.api import problem

type Serve = Callable[..., Server]


def test_a_client_that_knows_the_older_server_needs_no_change(serve: Serve, work: Path) -> None:
    server = serve([bash("echo hi")], [DONE], open=True)
    base = f"{server.url}/api"
    assert requests.get(f"{base}/health", timeout=5).json()["message"] == "Trae Agent API is running"
    body = {"task": "say hi", "working_dir": str(work), "model": "gpt-4"}
    said = requests.post(f"{base}/run", json=body, timeout=5).json()
    seen = []
    with requests.get(f"{base}/tasks/{said['task_id']}/stream", stream=True, timeout=30) as answer:
        for event in sseclient.SSEClient(answer).events():  # type: ignore[arg-type]
            message = json.loads(event.data)
            seen.append(message["type"])
            if message["type"] == "end":
                break
    status = requests.get(f"{base}/tasks/{said['task_id']}/status", timeout=5).json()
    stopped = requests.post(f"{base}/tasks/{said['task_id']}/stop", timeout=5)

    assert set(said) == {"status", "message", "task_id"}
    assert [type for type in seen if type in ("start", "complete", "error", "end")] == [
        "start",
        "complete",
        "end",
    ]
    assert (status["task_status"], len(status["messages"])) == ("completed", len(seen))
    assert stopped.json()["status"] == "success"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("POST", "/api/tasks/x", 405, "method_not_allowed"),
        ("GET", "/api", 404, "not_found"),
        ("PUT", "/api/run", 405, "method_not_allowed"),
        ("GET", "/api/tasks?limit=x", 400, None),
        ("GET", "/api/tasks?status=odd", 400, None),
        ("GET", "/api/tasks/x/stream?after=-1", 400, None),
    ],
)
def test_every_error_has_one_shape(
    serve: Serve, method: str, path: str, status: int, code: str | None
) -> None:
    answer = serve([DONE]).ask(method, path)
    said = answer.json()

    assert (answer.status_code, said["status"], said.get("code")) == (status, "error", code)
    assert isinstance(said["error"], str)


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_shows_its_traceback_only_where_that_is_wanted(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    server = serve([DONE], debug=debug)
    monkeypatch.setattr("idetour.agent.tasks.brief", lambda *_: 1 / 0)
    id = server.done()["task_id"] if False else server.submit()
    said = server.ask("GET", "/api/tasks").json()

    assert (said["status"], said["code"], "ZeroDivisionError" in said.get("traceback", "")) == (
        "error",
        "internal_error",
        debug,
    )
    monkeypatch.undo()
    server.wait(id)


def test_a_mistake_is_told_with_its_place() -> None:
    assert problem({"loc": ("body", "max_steps"), "msg": "must be a number"}) == "max_steps: must be a number"
    assert (
        problem({"loc": ("body",), "msg": "Field required", "type": "missing"}) == "the body: it is missing"
    )
    assert problem({"loc": ("body", 1), "type": "json_invalid"}) == "the body: it is no JSON"


def test_an_address_that_is_wrong_is_told_what_would_be_right(serve: Serve) -> None:
    server = serve([DONE])

    assert server.ask("GET", "/api/run").json()["error"] == "/api/run does not take GET, but POST."
    assert server.ask("GET", "/nope").json()["error"] == "There is nothing at /nope. See /docs."
