"""The agent's server in this process, in a thread with a loop of its own, and what a client does with it."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx2
import uvicorn

from agent.model import Model
from idetour.agent import guard, layout
from idetour.agent.api import made
from idetour.agent.settings import Settings
from upstream import until


@cache
def client() -> httpx2.Client:
    """One for all tests: making one costs more than most requests. A connection is used once, as servers go."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(timeout=20, trust_env=False, limits=limits)


class Api:
    """A client with the token, of any server."""

    def __init__(self, port: int, token: str, work: Path) -> None:
        self.port, self.work = port, work
        self.url = f"http://127.0.0.1:{port}"
        self.key = {"authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = {**self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return client().request(method, f"{self.url}{path}", json=body, headers=sent)

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
        with client().stream("GET", url, headers=head, timeout=30) as answer:
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


class Prompt(uvicorn.Server):
    """Ends when it is asked to: neither at its next tick, nor a tick after that."""

    async def main_loop(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        await self._ending.wait()

    async def shutdown(self, sockets: object = None) -> None:
        for server in self.servers:
            server.close()
        for task in self.server_state.tasks:
            task.cancel()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self.lifespan.shutdown()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)


class Server(Api):
    def __init__(self, model: Model, work: Path, how: dict[str, Any]) -> None:
        self.model, self.settings = model, Settings(**how)
        place = layout.ours()
        token = None if self.settings.open else guard.token(place.folder)
        app = made(self.settings, place, token)
        config = uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=0)
        self._server = Prompt(config)
        self._thread = threading.Thread(target=self._server.run, name="agent", daemon=True)
        self._token, self._work = token.reveal() if token else "", work

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self._server.started, within=10)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        super().__init__(port, self._token, self._work)
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._server.end()
            self._thread.join()
