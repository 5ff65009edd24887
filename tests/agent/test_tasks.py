"""Tasks over HTTP, with real processes: start, follow, stop, and what they leave behind."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from agent.model import DONE, bash, create
from agent.serving import Server

type Serve = Callable[..., Server]


def types(events: list[dict[str, object]]) -> list[object]:
    return [event["type"] for event in events]


def test_a_task_is_carried_out_and_its_steps_are_streamed(serve: Serve, work: Path) -> None:
    server = serve([create(str(work / "hello.py"))], [bash("python3 hello.py | tee said.txt")], [DONE])
    id = server.submit("Write hello.py and run it")
    events = [*server.events(id)]

    assert (work / "said.txt").read_text() == "hello\n"
    assert [event["seq"] for event in events] == [*range(1, len(events) + 1)]
    assert {event["task_id"] for event in events} == {id}
    assert types(events)[:2] == ["queued", "start"]
    assert types(events)[-2:] == ["complete", "end"]
    assert events[1]["message"] == "开始执行任务: Write hello.py and run it"
    assert events[-2]["result"] == "working on it"
    results = [event["tool_results"][0]["result"] for event in events if event["type"] == "tool.results"]
    assert results[1] == "hello"


def test_its_patch_trajectory_log_and_usage_can_be_fetched(serve: Serve, work: Path) -> None:
    server = serve([create(str(work / "new.py"))], [DONE])
    id = server.done()["task_id"]

    assert "+print('hello')" in server.ask("GET", f"/api/tasks/{id}/patch").text
    assert server.get(f"/api/tasks/{id}/trajectory")["success"] is True
    assert server.ask("GET", f"/api/tasks/{id}/log").status_code == 200
    used = server.get(f"/api/tasks/{id}/usage")["usage"]["agent"]
    assert (used["requests"], used["input_tokens"], used["output_tokens"]) == (2, 200, 20)


def test_the_status_is_read_without_taking_anything_away(serve: Serve) -> None:
    server = serve([DONE])
    id = server.done()["task_id"]
    first, second = (server.get(f"/api/tasks/{id}/status") for _ in range(2))

    assert first == second
    assert set(first) == {"status", "task_id", "task_status", "start_time", "duration", "messages"}
    assert (first["status"], first["task_status"]) == ("success", "completed")
    assert [event["seq"] for event in server.get(f"/api/tasks/{id}/status?after=2&limit=2")["messages"]] == [
        3,
        4,
    ]


def test_the_list_shows_the_newest_first_page_by_page(serve: Serve) -> None:
    server = serve([DONE], limit=1)
    ids = [server.submit() for _ in range(3)]
    listed = server.get("/api/tasks")

    assert [task["task_id"] for task in listed["active_tasks"]] == ids[::-1]
    assert set(listed["active_tasks"][0]) == {"task_id", "status", "start_time", "duration"}
    assert listed["total_tasks"] == 3
    page = server.get(f"/api/tasks?limit=1&cursor={ids[2]}")["active_tasks"]
    assert [task["task_id"] for task in page] == [ids[1]]
    for id in ids:
        server.wait(id)


def test_a_stream_goes_on_after_the_event_that_was_seen_last(serve: Serve) -> None:
    server = serve([bash("true")], [DONE])
    id = server.submit()
    whole = [*server.events(id)]

    assert [*server.events(id, after=4)] == whole[4:]
    assert [event["type"] for event in server.events(id, after=len(whole) - 1)] == ["end"]


def test_nothing_is_left_after_the_end_and_a_browser_is_told_so(serve: Serve) -> None:
    server = serve([DONE])
    task = server.done()
    answer = server.ask("GET", f"/api/tasks/{task['task_id']}/stream", last_event_id=str(task["events"]))

    assert (answer.status_code, answer.content) == (204, b"")


def test_events_have_numbers_and_by_default_no_names(serve: Serve) -> None:
    server = serve([DONE])
    id = server.done()["task_id"]
    plain = server.ask("GET", f"/api/tasks/{id}/stream").text
    named = server.ask("GET", f"/api/tasks/{id}/stream?named=1").text

    assert plain.startswith("retry: 1000\n\nid: 1\ndata: {")
    assert "event:" not in plain
    assert "id: 2\nevent: start\ndata: {" in named


def test_two_hundred_viewers_see_the_same(serve: Serve) -> None:
    import asyncio

    server = serve([bash("sleep 1")], [DONE])
    id = server.submit()

    async def view(client: httpx2.AsyncClient) -> str:
        return (await client.get(f"{server.url}/api/tasks/{id}/stream", headers=server.key)).text

    async def all_of_them() -> set[str]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
            return set(await asyncio.gather(*(view(client) for _ in range(200))))

    seen = asyncio.run(all_of_them())
    assert len(seen) == 1
    assert seen.pop().count('"type":"end"') == 1


def test_fifty_tasks_run_two_at_a_time(
    serve: Serve, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = tmp_path / "trae-cli"  # an agent that gives up at once
    brief.write_text("#!/bin/sh\n")
    brief.chmod(0o755)
    monkeypatch.delenv("TRAE_AGENT_PYTHON")
    monkeypatch.setenv("TRAE_CLI", str(brief))
    monkeypatch.setenv("PATH", str(tmp_path))  # no git, which would take most of the time
    server = serve([DONE], limit=2)
    ids = [server.submit(working_dir=str(work / str(number))) for number in range(50)]
    tasks = [server.wait(id, within=100) for id in ids]
    at_once = [
        sum(other["started"] <= task["started"] < other["finished"] for other in tasks) for task in tasks
    ]

    assert {task["status"] for task in tasks} == {"failed"}
    assert max(at_once) == 2


def test_two_agents_do_not_work_in_one_directory_at_a_time(serve: Serve, work: Path) -> None:
    (work / "inner").mkdir()
    server = serve([bash("sleep 0.3"), DONE], limit=3)
    outer, inner = server.submit(), server.submit(working_dir=str(work / "inner"))
    server.wait(inner)
    first, second = (server.get(f"/api/tasks/{id}")["task"] for id in (outer, inner))

    assert first["finished"] <= second["started"]


def test_who_is_more_important_goes_first(serve: Serve) -> None:
    server = serve([bash("sleep 0.2"), DONE], limit=1)
    _, low, high = (server.submit(priority=priority) for priority in (0, 0, 5))
    server.wait(low)
    tasks = [server.get(f"/api/tasks/{id}")["task"] for id in (high, low)]

    assert tasks[0]["finished"] <= tasks[1]["started"]


def test_who_still_waits_is_stopped_at_once(serve: Serve) -> None:
    server = serve([bash("sleep 60")], limit=1)
    first, second = server.submit(), server.submit()
    server.ask("POST", f"/api/tasks/{second}/stop")

    assert server.get(f"/api/tasks/{second}")["task"]["status"] == "cancelled"
    assert types([*server.events(second)]) == ["queued", "stopped", "end"]
    server.ask("POST", f"/api/tasks/{first}/stop")


def test_a_full_queue_says_when_to_come_back(serve: Serve) -> None:
    server = serve([bash("sleep 60")], limit=1, queue=1)
    running = server.submit()
    server.wait(running, "running")
    server.submit()
    answer = server.ask("POST", "/api/run", {"task": "one more", "working_dir": str(server.work)})

    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (
        503,
        "10",
        "queue_full",
    )
    for task in server.get("/api/tasks")["active_tasks"]:
        server.ask("POST", f"/api/tasks/{task['task_id']}/stop")


def test_the_same_key_means_the_same_task(serve: Serve, work: Path) -> None:
    server = serve([DONE])
    body = {"task": "do it", "working_dir": str(work)}
    first, second = (server.ask("POST", "/api/run", body, idempotency_key="k") for _ in range(2))
    other = server.ask("POST", "/api/run", {**body, "task": "another"}, idempotency_key="k")

    assert first.json() == second.json()
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    server.wait(first.json()["task_id"])


def test_a_task_that_is_over_can_be_started_again_and_forgotten(serve: Serve) -> None:
    server = serve([DONE])
    id = server.done("once more")["task_id"]
    again = server.ask("POST", f"/api/tasks/{id}/retry").json()["task_id"]
    server.wait(again)
    gone = server.ask("DELETE", f"/api/tasks/{id}")

    assert server.get(f"/api/tasks/{again}")["task"]["request"]["task"] == "once more"
    assert gone.json() == {"status": "success", "message": "Task deleted"}
    assert server.ask("GET", f"/api/tasks/{id}").status_code == 404


def test_a_task_that_runs_is_neither_deleted_nor_repeated(serve: Serve) -> None:
    server = serve([bash("sleep 60")])
    id = server.submit()
    refused = [server.ask("DELETE", f"/api/tasks/{id}"), server.ask("POST", f"/api/tasks/{id}/retry")]

    assert [answer.status_code for answer in refused] == [409, 409]
    server.ask("POST", f"/api/tasks/{id}/stop")


def test_the_board_tells_of_all_tasks(serve: Serve) -> None:
    server = serve([bash("sleep 0.5")], [DONE])
    with httpx2.stream(
        "GET", f"{server.url}/api/events", headers=server.key, timeout=20, trust_env=False
    ) as answer:
        id = server.submit()
        seen = []
        for line in answer.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
                if seen[-1]["type"] == "end":
                    break

    assert {event["task_id"] for event in seen} == {id}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/status"),
        ("GET", "/stream"),
        ("POST", "/stop"),
        ("DELETE", ""),
        ("GET", "/patch"),
    ],
)
def test_a_task_that_does_not_exist_is_said_so(serve: Serve, method: str, path: str) -> None:
    answer = serve([DONE]).ask(method, f"/api/tasks/nope{path}")

    assert answer.status_code == 404
    assert answer.json() == {"status": "error", "error": "There is no task 'nope'.", "code": "not_found"}
