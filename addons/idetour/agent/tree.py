"""The processes below one of ours: found and killed whole, whatever they did to get away.

An agent's shell runs in a session of its own, so killing a process group leaves
it alive. A subreaper inherits every orphan of its descendants; walking the
process table then finds all of them.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
MARK = "IDETOUR_TASK"  # in the environment of all that a task starts
PAUSE = 0.01  # seconds between two looks at the table
PATIENCE = 5.0  # seconds; what cannot be killed by then waits in the kernel
PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    dead: bool  # a zombie: it has ended, and nobody has asked how
    started: str  # with the pid, its identity: pids are used again
    group: int = 0
    resident: int = 0  # bytes in memory, what it shares with others included


def adopt_orphans() -> bool:
    """From now on orphans among our descendants become our children. Linux only."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def identity(pid: int) -> str | None:
    """What tells this process from another with its pid; None if it has ended."""
    found = of_proc(pid) if PROC.is_dir() else table().get(pid)
    return None if found is None or found.dead else found.started


def alive(pid: int | None, started: str | None) -> bool:
    return pid is not None and started is not None and identity(pid) == started


def table() -> dict[int, Process]:
    """All processes of this machine."""
    if PROC.is_dir():
        found = (of_proc(int(path.name)) for path in PROC.glob("[0-9]*"))
        return {each.pid: each for each in found if each}
    asked = ["ps", "-axo", "pid=,ppid=,pgid=,stat=,rss=,lstart="]
    return of_ps(subprocess.run(asked, capture_output=True, check=False).stdout.decode())


def of_proc(pid: int) -> Process | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # a program's name may hold anything, blanks and brackets too
    started = f"{boot()}:{fields[19]}"
    size = int(fields[21]) * PAGE
    return Process(pid, int(fields[1]), fields[0] in "ZX", started, int(fields[2]), size)


def of_ps(said: str) -> dict[int, Process]:
    found = {}
    for line in said.splitlines():
        pid, parent, group, stat, size, started = line.split(maxsplit=5)
        found[int(pid)] = Process(int(pid), int(parent), "Z" in stat, started, int(group), int(size) << 10)
    return found


@cache
def boot() -> str:
    """This start of the machine: times in /proc count from it."""
    with suppress(OSError):
        return (PROC / "sys/kernel/random/boot_id").read_text()[:8]
    return ""


def descendants(root: int) -> list[int]:
    """All below `root` that have not ended."""
    return [each.pid for each in below(root) if not each.dead]


def below(root: int) -> list[Process]:
    """All below `root`, the dead whom nobody has asked included."""
    children: defaultdict[int, list[Process]] = defaultdict(list)
    for each in table().values():
        children[each.parent].append(each)
    found, waiting = [], [root]
    while waiting:
        for each in children[waiting.pop()]:
            waiting.append(each.pid)
            found.append(each)
    return found


def share(process: Process) -> int:
    """Bytes of memory that go to a process: what several of them share is divided among them. Slow; Linux only."""
    with suppress(OSError, ValueError, StopIteration):
        lines = (PROC / str(process.pid) / "smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) << 10
    return process.resident


def kill_below(root: int, reap: Callable[[], None]) -> int:
    """Kill all below `root`, until none is left or `PATIENCE` ends. Returns how many there were.

    `reap` collects those of them who are our own children.
    """
    return killed(lambda: below(root), reap)


def killed(find: Callable[[], list[Process]], reap: Callable[[], None] = lambda: None) -> int:
    """What is found may have forked meanwhile, so it is looked for until there is nobody.

    A group is killed whole, at one moment, be it only by the dead that it left: who hands on to its child at once
    is gone before anybody has looked.
    """
    seen: set[int] = set()
    until = time.monotonic() + PATIENCE
    while (found := find()) and time.monotonic() < until:
        for group in {each.group for each in found} - {0, os.getpgrp()}:
            kill(-group)
        alive = {each.pid for each in found if not each.dead}
        for pid in alive:
            kill(pid)
        seen |= alive
        reap()
        time.sleep(PAUSE)
    return len(seen)


def kill(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, how)


def marked(task: str) -> list[int]:
    """The processes that a task started, by the mark in their environment; Linux only, and only our user's."""
    mark = f"{MARK}={task}".encode()
    found = []
    for path in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes().split(b"\0") and of_proc(pid := int(path.parts[2])):
                found.append(pid)
    return found


def kill_marked(task: str) -> int:
    """Kill what a task left behind after its supervisor died. Returns how many there were."""
    return killed(lambda: [each for each in map(of_proc, marked(task)) if each])
