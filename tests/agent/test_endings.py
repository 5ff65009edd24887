"""How a task ends, whoever ends it, and that nothing of it goes on."""

from collections.abc import Callable
from pathlib import Path

from agent.model import DONE, bash
from agent.serving import Server
from idetour.agent import tree
from upstream import until

type Serve = Callable[..., Server]


def test_a_stop_ends_the_task_with_every_process_that_it_started(serve: Serve, work: Path) -> None:
    daemons = "sleep 60 & (setsid sleep 60 &) ; nohup setsid sleep 60 >/dev/null 2>&1 & touch ready; sleep 60"
    server = serve([bash(daemons)], [DONE])
    id = server.submit()
    assert until((work / "ready").exists, within=15)
    running = tree.marked(id)
    answer = server.ask("POST", f"/api/tasks/{id}/stop")

    assert answer.json() == {"status": "success", "message": "Task stopped successfully"}
    assert len(running) >= 5  # the agent, its shell, three that sleep
    assert tree.marked(id) == []
    task = server.get(f"/api/tasks/{id}")["task"]
    assert (task["status"], task["success"]) == ("cancelled", False)
    messages = server.get(f"/api/tasks/{id}/status")["messages"]
    assert [event["type"] for event in messages][-2:] == ["stopped", "end"]


def test_a_second_stop_says_that_it_was_over(serve: Serve) -> None:
    server = serve([DONE])
    id = server.done()["task_id"]
    said = server.ask("POST", f"/api/tasks/{id}/stop").json()

    assert said == {"status": "success", "message": "Task had finished already"}


def test_an_agent_that_ignores_the_stop_is_killed(serve: Serve, work: Path) -> None:
    stubborn = "trap '' TERM; touch ready; while :; do sleep 0.1; done"
    server = serve([bash(stubborn)], [DONE])
    id = server.submit()
    assert until((work / "ready").exists, within=15)
    server.ask("POST", f"/api/tasks/{id}/stop", {"force": True})

    assert server.wait(id)["status"] == "cancelled"
    assert tree.marked(id) == []


def test_what_an_agent_left_running_is_ended_with_it(serve: Serve) -> None:
    server = serve([bash("(setsid sleep 60 >/dev/null 2>&1 &) ; true")], [DONE])
    id = server.submit()
    *_, complete, _ = server.events(id)

    assert complete["leftovers"] == 1
    assert tree.marked(id) == []


def test_what_it_left_running_may_be_kept(serve: Serve) -> None:
    server = serve([bash("(setsid sleep 60 >/dev/null 2>&1 &) ; true")], [DONE])
    id = server.done(keep_background=True)["task_id"]

    assert len(tree.marked(id)) == 1
    assert tree.kill_marked(id) == 1


def test_a_task_that_takes_too_long_is_ended(serve: Serve) -> None:
    server = serve([bash("sleep 60")])
    task = server.done(timeout_s=0.5)

    assert (task["status"], task["error"]) == ("timed_out", "It was not done within 0 s.")


def test_an_agent_that_says_nothing_is_ended(serve: Serve) -> None:
    task = serve([bash("sleep 60")], idle=0.7).done()

    assert (task["status"], task["error"]) == ("timed_out", "Nothing happened for 1 s.")


def test_a_hundred_megabytes_of_output_end_the_task_and_fill_no_disk(serve: Serve, work: Path) -> None:
    flood = "yes 0123456789abcdef | head -c 100000000 > /proc/$PPID/fd/1; sleep 60"
    server = serve([bash(flood)], output=1 << 20)
    task = server.done()

    assert (task["status"], task["error"]) == ("failed", "It wrote more than 1 MB.")
    log = int(server.ask("HEAD", f"/api/tasks/{task['task_id']}/log").headers.get("content-length", 0))
    assert log < 8 << 20


def test_a_tool_that_prints_megabytes_makes_a_short_event(serve: Serve) -> None:
    server = serve([bash("yes 0123456789abcde | head -c 20000000")], [DONE], output=1 << 30)
    id = server.submit()
    (result,) = [
        event["tool_results"][0]["result"] for event in server.events(id) if event["type"] == "tool.results"
    ]

    assert len(result) < 20_000
    assert result.endswith("more characters: see the trajectory)")


def test_a_working_directory_that_vanishes_does_not_take_the_task_along(serve: Serve, work: Path) -> None:
    server = serve([bash(f"rm -rf {work}")], [DONE])
    task = server.done()
    said = server.get(f"/api/tasks/{task['task_id']}/status")["messages"]

    assert task["status"] == "completed"
    assert any("There is no patch" in str(event.get("message")) for event in said)


def test_a_directory_that_is_gone_before_the_start_is_named(serve: Serve, work: Path) -> None:
    server = serve([bash("sleep 0.5")], limit=1)
    first = server.submit()
    second = server.submit(working_dir=str(work / "gone"))
    (work / "gone").rmdir()
    server.ask("POST", f"/api/tasks/{first}/stop")

    assert server.wait(second)["error"] == f"The working directory {work}/gone is gone."
