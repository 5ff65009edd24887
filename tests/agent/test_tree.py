"""Processes: told apart, found below another, killed whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from idetour.agent import tree
from upstream import until

DAEMON = "sleep 60 & (setsid sleep 60 &); wait"


def test_a_process_has_an_identity_until_it_ends() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        born = tree.identity(process.pid)
        assert born
        assert tree.alive(process.pid, born)
        process.kill()
        assert until(lambda: tree.identity(process.pid) is None)  # a zombie: nobody has waited for it
        assert not tree.alive(process.pid, born)


def test_another_process_with_its_pid_is_not_it() -> None:
    assert not tree.alive(os.getpid(), "another start")
    assert not tree.alive(None, None)


def test_a_name_with_blanks_and_brackets_is_no_trouble(tmp_path: Path) -> None:
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as process:
        found = tree.of_proc(process.pid)
        process.kill()

    assert found
    assert (found.parent, found.dead) == (os.getpid(), False)


def test_daemons_below_a_subreaper_are_found_and_killed() -> None:
    """In a process of its own: being a subreaper is for life."""
    code = f"""
import os, subprocess, sys, time
sys.path.insert(0, {str(Path(tree.__file__).parents[2])!r})
from idetour.agent import tree
assert tree.adopt_orphans()
shell = subprocess.Popen(["bash", "-c", {DAEMON!r}])
while len(tree.descendants(os.getpid())) < 3: time.sleep(0.01)
def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
print(tree.kill_below(os.getpid(), reap), tree.descendants(os.getpid()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "3 []"


RELAY = """
import os, time
end = time.monotonic() + 4
while time.monotonic() < end:
    if os.fork(): os._exit(0)
"""
AGAINST_RELAYS = """
import os, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from idetour.agent import tree
tree.adopt_orphans()
for _ in range(3): subprocess.Popen([sys.executable, "-c", sys.argv[2]], start_new_session=True).wait()
def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
began = time.monotonic()
tree.kill_below(os.getpid(), reap)
took = time.monotonic() - began
time.sleep(0.1)  # whoever is left has left dead ones by now
print(took < 3, tree.below(os.getpid()))
"""


def test_who_hands_on_faster_than_anybody_can_look_is_killed_too() -> None:
    """Each process lives for a part of a millisecond, and leaves another."""
    command = [sys.executable, "-c", AGAINST_RELAYS, str(Path(tree.__file__).parents[2]), RELAY]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "True []"


def test_what_a_task_started_is_found_by_its_mark() -> None:
    marked = {**os.environ, tree.MARK: "task-of-this-test"}
    with subprocess.Popen(["bash", "-c", "sleep 60 & wait"], env=marked) as process:
        assert until(lambda: len(tree.marked("task-of-this-test")) == 2)
        assert tree.kill_marked("task-of-this-test") == 2
        assert process.wait() == -9
    assert tree.marked("task-of-this-test") == []


def test_the_list_of_ps_is_read_where_there_is_no_proc() -> None:
    said = "  1   0   1 Ss   8200 Mon Jan  5 10:00:00 2026\n 42   1  40 Z+      0 Mon Jan  5 10:00:01 2026\n"
    found = tree.of_ps(said)

    assert found[42] == tree.Process(42, 1, True, "Mon Jan  5 10:00:01 2026", 40)
    assert (found[1].dead, found[1].resident) == (False, 8200 << 10)


@pytest.mark.parametrize("pid", [0, 1 << 30])
def test_a_process_that_never_was_has_no_identity(pid: int) -> None:
    assert tree.identity(pid) is None
