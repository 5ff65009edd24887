"""What an agent may take of the machine: what the kernel holds each process to, and what is counted by us."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.model import bash
from agent.serving import Server
from idetour.agent import limits, tree
from idetour.agent.limits import Limits, Watch, hint, of, parsed
from idetour.errors import SetupError
from upstream import until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="its limits are Linux's")
type Serve = Callable[..., Server]


def test_an_agent_that_forks_without_end_is_stopped(serve: Serve) -> None:
    server = serve([bash("while :; do sleep 60 & done")], limits={"processes": 100})
    task = server.done()

    assert task["status"] == "failed"
    assert task["error"] == "It had more than 100 processes at a time (`--ulimit processes`)."
    assert tree.marked(task["task_id"]) == []


def test_processes_that_together_eat_the_memory_are_stopped(serve: Serve) -> None:
    eat = "for _ in 1 2 3 4; do python3 -c 'import time; a = bytearray(b\"x\" * (60 << 20)); time.sleep(60)' & done; wait"
    task = serve([bash(eat)], limits={"memory": 200 << 20}).done()

    assert (task["status"], task["error"]) == (
        "failed",
        "It used more than 200 MB of memory (`--ulimit memory`).",
    )


@LINUX
def test_a_tool_that_is_refused_tells_the_model_and_a_run_that_fails_tells_why(
    serve: Serve, work: Path
) -> None:
    write = "(dd if=/dev/zero of=big bs=1M count=10000; echo over) 2>&1"
    server = serve([bash(write)], limits={"file": 2 << 20})
    task = server.done(max_steps=1)
    results = [event for event in server.events(task["task_id"]) if event["type"] == "tool.results"]

    assert (work / "big").stat().st_size == 2 << 20
    assert "File size limit exceeded" in str(results)
    assert task["status"] == "failed"
    assert task["error"].endswith("may mean that no file may be longer than 2 MB (`--ulimit file`).")


def test_memory_that_is_shared_is_not_counted_for_each() -> None:
    """A child that only reads what its parent has."""
    code = "import os, time; a = bytearray(b'x' * (80 << 20)); [os.fork() or time.sleep(30) for _ in range(4)]; print(flush=True); time.sleep(30)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert until(lambda: len(tree.descendants(process.pid)) == 4)
        assert Watch(Limits(memory=250 << 20)).excess(process.pid) is None
        assert Watch(Limits(memory=60 << 20)).excess(process.pid)
        os.killpg(process.pid, signal.SIGKILL)


def test_a_look_is_taken_now_and_then() -> None:
    watch = Watch(Limits(processes=1))
    with subprocess.Popen(["sh", "-c", "sleep 30 & sleep 30 & wait"], start_new_session=True) as process:
        assert until(lambda: len(tree.descendants(process.pid)) == 2)
        first = watch.excess(process.pid)
        second = watch.excess(process.pid)
        os.killpg(process.pid, signal.SIGKILL)

    assert (bool(first), second) == (True, None)


def test_limits_are_written_as_people_write_them() -> None:
    assert parsed(["memory=8G", "file=512m", "processes=500", "cpu=none", "nice=3"]) == {
        "memory": 8 << 30,
        "file": 512 << 20,
        "processes": 500,
        "cpu": 0,
        "nice": 3,
    }


@pytest.mark.parametrize("word", ["memory", "memory=", "memory=lots", "memory=-1", "memory=0", "threads=5"])
def test_what_is_no_limit_is_said_so(word: str) -> None:
    with pytest.raises(SetupError, match=f"--ulimit {word}: "):
        parsed([word])


def test_a_workers_own_limits_win(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of({"memory": 1, "file": 2}, own={limits.VARIABLE: '{"file": 3}'})

    assert (found.memory, found.file, found.processes) == (1, 3, 2000)
    assert 0 < of({}, own={}).memory < limits.installed()


def test_limits_are_told_in_words() -> None:
    assert Limits(memory=12 << 30).told() == "12 GB of memory, files of 16 GB, 2,000 processes, nice 5"
    assert Limits(nice=0, file=0, processes=0).told() == "none"


def test_a_limit_that_was_not_set_is_no_reason() -> None:
    assert hint("MemoryError", Limits()) is None
    assert "`--ulimit memory`" in str(hint("MemoryError", Limits(memory=1 << 30)))
