"""What is killed comes back, or is said to be gone; what is full, missing or hostile is met with a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from agent.model import DONE, Model, bash
from agent.serving import Api, Server
from conftest import ADDONS, unused_port
from idetour.agent import layout, tree
from idetour.agent.guard import token
from upstream import until

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, so needs root")


class Process(Api):
    """`idetour agent serve`, as people start it."""

    def __init__(
        self, work: Path, config: Path, *options: str, port: int = 0, home: Path | None = None
    ) -> None:
        place = layout.ours()
        super().__init__(port or unused_port(), token(place.folder).reveal(), work)
        command = [
            sys.executable,
            "-m",
            "idetour",
            "agent",
            "serve",
            "-p",
            str(self.port),
            "--root",
            str(work),
        ]
        self.process = subprocess.Popen(
            [*command, "--gateway", "none", "--config", str(config), *options],
            env={**os.environ, "PYTHONPATH": str(ADDONS)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def answers(self) -> bool:
        try:
            return bool(self.get("/api/health")["status"] == "healthy")
        except httpx2.HTTPError:
            return False

    def __enter__(self) -> Self:
        assert until(self.answers, within=30)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def process(home: Path, work: Path, config: Callable[..., Path]) -> Iterator[Callable[..., Process]]:
    with ExitStack() as stack:
        yield lambda model, **how: stack.enter_context(Process(work, config(model), **how))


def test_a_server_that_is_killed_comes_back_and_the_client_misses_nothing(
    process: Callable[..., Process], models: Callable[..., Model]
) -> None:
    model = models(*[[bash(f"echo {number}; sleep 0.2")] for number in range(8)], [DONE])
    first = process(model)
    id = first.submit()
    seen = []
    with suppress(httpx2.HTTPError):  # the answer breaks off
        for event in first.events(id):
            seen.append(event)
            if event["type"] == "step.completed":
                first.process.kill()
                first.process.wait()
    second = process(model, port=first.port)
    seen += second.events(id, after=seen[-1]["seq"])

    assert [event["seq"] for event in seen] == [*range(1, len(seen) + 1)]
    assert [event["type"] for event in seen][-2:] == ["complete", "end"]
    assert sum(event["type"] == "tool.results" for event in seen) == 8


def test_who_waited_while_the_server_was_dead_is_started_by_the_next(
    process: Callable[..., Process], models: Callable[..., Model]
) -> None:
    model = models([bash("sleep 0.5")], [DONE])
    first = process(model)
    id = [first.submit() for _ in range(2)][1]
    first.process.kill()
    first.process.wait()

    assert process(model).wait(id)["status"] == "completed"


def test_a_task_whose_supervisor_is_killed_is_lost_and_its_processes_are_killed(
    serve: Callable[..., Server], work: Path
) -> None:
    server = serve([bash("(setsid sleep 60 &); touch ready; sleep 60")])
    id = server.submit()
    assert until((work / "ready").exists, within=15)
    with closing(layout.ours().store()) as store:
        task = store.task(id)
    assert task
    assert task.pid
    os.kill(task.pid, signal.SIGKILL)
    lost = server.wait(id)

    assert lost["status"] == "lost"
    assert lost["error"].startswith("Its supervisor died; ")
    assert tree.marked(id) == []
    assert [event["type"] for event in server.events(id)][-2:] == ["error", "end"]


def test_a_client_of_several_workers_sees_one_truth(
    process: Callable[..., Process], models: Callable[..., Model], work: Path, config: Callable[..., Path]
) -> None:
    model = models([bash("sleep 0.3")], [DONE])
    with Process(work, config(model), "--workers", "2", "--limit", "1") as server:
        ids = [server.submit() for _ in range(3)]
        tasks = [server.wait(id) for id in ids]
        assert {task["status"] for task in tasks} == {"completed"}
        assert all(first["finished"] <= second["started"] for first, second in pairwise(tasks))
        server.process.send_signal(signal.SIGINT)
        server.process.wait(10)


@ROOT
def test_a_full_disk_ends_in_a_sentence_not_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server]
) -> None:
    """The disk that holds tasks has 2 MB; another file takes what is left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], capture_output=True
    ).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        monkeypatch.setenv("IDETOUR_HOME", str(disk / "home"))
        server = serve([bash("true")], [DONE])
        fill(disk / "full")
        refused = server.ask("POST", "/api/run", {"task": "x" * 100_000, "working_dir": str(server.work)})
        assert (refused.status_code, refused.json()["code"]) == (503, "no_room")
        (disk / "full").unlink()
        assert server.done()["status"] in ("completed", "failed")
        server.__exit__()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"host": "evil.example"},
        {"host": "127.0.0.1@evil.example"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_a_web_page_cannot_start_a_shell(
    serve: Callable[..., Server], work: Path, headers: dict[str, str]
) -> None:
    """Not even where no token is asked for."""
    server = serve([bash("touch pwned"), DONE], open=True)
    answer = server.ask("POST", "/api/run", {"task": "x", "working_dir": str(work)}, **headers)

    assert (answer.status_code, answer.json()["status"]) == (403, "error")
    assert server.get("/api/tasks")["total_tasks"] == 0


def test_a_form_cannot_either(serve: Callable[..., Server], work: Path) -> None:
    server = serve([DONE], open=True)
    body = json.dumps({"task": "x", "working_dir": str(work)})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {"content-type": kind} if kind else {}
        answer = httpx2.post(f"{server.url}/api/run", content=body, headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_paths_that_lead_out_are_refused(serve: Callable[..., Server], work: Path, tmp_path: Path) -> None:
    (work / "link").symlink_to(tmp_path)
    server = serve([DONE])
    beside = tmp_path / "working"  # begins like the root's own name
    outside = [
        f"{work}/..",
        f"{work}/link",
        f"{work}/link/new",
        "/etc",
        "/",
        str(beside),
        f"{work}/../../etc",
    ]
    wrong = ["relative", "", f"{work}/\0", "~", f"file://{work}", f"{work}/" + "x" * 5000]

    def answered(path: str) -> tuple[int, str]:
        answer = server.ask("POST", "/api/run", {"task": "x", "working_dir": path})
        return answer.status_code, answer.json()["status"]

    assert {path: answered(path) for path in outside} == dict.fromkeys(outside, (403, "error"))
    assert {path: answered(path) for path in wrong} == dict.fromkeys(wrong, (400, "error"))
    assert not beside.exists()
    assert server.get("/api/tasks")["total_tasks"] == 0


@pytest.mark.parametrize("field", ["trajectory_file", "patch_path", "file_path"])
@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "/root/.ssh/authorized_keys", ".", "a/../../out"])
def test_results_are_not_asked_for_elsewhere(serve: Callable[..., Server], field: str, path: str) -> None:
    server = serve([DONE])
    body: dict[str, Any] = {"working_dir": str(server.work), field: path}
    answer = server.ask("POST", "/api/run", body if field == "file_path" else {**body, "task": "x"})

    assert (answer.status_code, answer.json()["param"]) == (400, field)


def test_no_key_of_the_servers_reaches_the_agents_shell(
    serve: Callable[..., Server], work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NVIDIA_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "IDETOUR_API_KEY"):
        monkeypatch.setenv(name, "canary")
    serve([bash("env > env.txt; pwd > pwd.txt"), DONE]).done()

    assert "canary" not in (work / "env.txt").read_text()
    assert (work / "pwd.txt").read_text().strip() == str(work)


def test_a_supervisor_that_cannot_begin_is_said_to_be_lost(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve([DONE])
    monkeypatch.setattr(sys, "executable", "/bin/false")

    assert server.wait(server.submit())["status"] == "lost"


def test_events_are_not_lost_between_history_and_news(serve: Callable[..., Server]) -> None:
    """A viewer who comes at any moment sees each number once."""
    server = serve(*[[bash("true")]] * 6, [DONE])
    id = server.submit()
    numbers: list[list[tuple[int, str]]] = []
    while not numbers or numbers[-1][-1][1] != "end":
        numbers.append([(event["seq"], event["type"]) for event in server.events(id)])
        time.sleep(0.01)

    assert [seq for seq, _ in numbers[-1]] == [*range(1, len(numbers[-1]) + 1)]
