"""Who is told of a task's end, and how often."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.model import DONE, bash
from agent.serving import Server
from idetour.agent import webhook
from idetour.agent.store import Spec, Task
from upstream import until


class Listener:
    """Answers with these statuses in turn, then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.told: list[dict[str, Any]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listener.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(listener.statuses.pop(0) if listener.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/ended"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PAUSES", (0.0, 0.0))


def ended(url: str) -> Task:
    spec = Spec(task="x", working_dir="/w", webhook=url, metadata={"build": 7})
    return Task(id="t", status="failed", spec=spec, created=1, finished=3, success=False, error="why")


def test_the_end_is_told_once(listener: Listener) -> None:
    assert webhook.deliver(ended(listener.url))
    (told,) = listener.told
    assert (told["task_id"], told["status"], told["error"], told["duration"]) == ("t", "failed", "why", 2)
    assert told["metadata"] == {"build": 7}


@pytest.mark.parametrize(
    ("statuses", "times", "taken"),
    [([503, 429], 3, True), ([500, 500, 500], 3, False), ([404], 1, False), ([302], 2, True)],
)
def test_who_cannot_take_it_is_told_again(
    listener: Listener, statuses: list[int], times: int, taken: bool
) -> None:
    listener.statuses = statuses

    assert (webhook.deliver(ended(listener.url)), len(listener.told)) == (taken, times)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[", "http://"])
def test_nobody_there_is_a_line_in_the_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not webhook.deliver(ended(url))
    assert "was not told of its end" in caplog.text


def test_each_kind_of_end_is_told(serve: Callable[..., Server], listener: Listener) -> None:
    server = serve([bash("sleep 0.3")], [DONE], limit=1)
    first, waiting = (server.submit(webhook=listener.url) for _ in range(2))
    server.ask("POST", f"/api/tasks/{waiting}/stop")
    server.wait(first)

    assert until(lambda: len(listener.told) == 2, within=15)
    assert {told["task_id"]: told["status"] for told in listener.told} == {
        first: "completed",
        waiting: "cancelled",
    }


def test_a_webhook_is_a_url(serve: Callable[..., Server]) -> None:
    body = {"task": "x", "working_dir": "/w", "webhook": "file:///etc/passwd"}
    answer = serve([DONE]).ask("POST", "/api/run", body)

    assert answer.status_code == 400
    assert "webhook" in answer.json()["error"]
