"""The agent's server in this process, in a thread with a loop of its own, and what a client does with it."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx2
import uvicorn

from agent.model import Model
from idetour.agent import guard, layout
from idetour.agent.api import made
from idetour.agent.settings import Settings
from upstream import until


class Api:
    """A client with the token, of any server."""

    def __init__(self, port: int, token: str, work: Path) -> None:
        self.port, self.work = port, work
        self.url = f"http://127.0.0.1:{port}"
        self.key = {"authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = {**self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = f"{self.url}{path}"
        return httpx2.request(method, url, json=body, headers=sent, timeout=20, trust_env=False)

    def get(self, path: str) -> Any:
        return self.ask("GET", path).json()

    def submit(self, task: str = "do it", **more: Any) -> str:
        """The id of a new task."""
        said = self.ask("POST", "/api/run", {"task": task, "working_dir": str(self.work), **more})
        assert said.status_code == 200, said.text
        return str(said.json()["task_id"])

    def events(self, id: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """The events of a task until its last one, by SSE."""
        head = {**self.key, "last-event-id": str(after)}
        url = f"{self.url}/api/tasks/{id}/stream"
        with httpx2.stream("GET", url, headers=head, timeout=30, trust_env=False) as answer:
            assert answer.status_code in (200, 204), answer.read()
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def wait(self, id: str, *statuses: str, within: float = 30) -> dict[str, Any]:
        """The task, once it is over or has one of these statuses."""
        over = statuses or ("completed", "failed", "cancelled", "timed_out", "lost")
        end = time.monotonic() + within
        while time.monotonic() < end:
            task: dict[str, Any] = self.get(f"/api/tasks/{id}")["task"]
            if task["status"] in over:
                return task
            time.sleep(0.03)
        raise AssertionError(f"{task['status']}: {self.get(f'/api/tasks/{id}/status')['messages']}")

    def done(self, task: str = "do it", **more: Any) -> dict[str, Any]:
        """A task, from its start to its end."""
        return self.wait(self.submit(task, **more))


class Server(Api):
    def __init__(self, model: Model, work: Path, how: dict[str, Any]) -> None:
        self.model, self.settings = model, Settings(**how)
        place = layout.ours()
        token = None if self.settings.open else guard.token(place.folder)
        app = made(self.settings, place, token)
        config = uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=0)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="agent", daemon=True)
        self._token, self._work = token.reveal() if token else "", work

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self._server.started, within=10)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        super().__init__(port, self._token, self._work)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
