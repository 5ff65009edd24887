"""What an agent's processes may take of the machine, so that one that runs wild harms its own task and nothing else.

The kernel holds each process to it (bound.py). What all of them take together is looked at here: no limit counts
that, and RLIMIT_NPROC counts all processes of a user, the browser's too, and none of root's.
"""

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idetour.agent import tree
from idetour.errors import SetupError

BOUND = Path(__file__).with_name("bound.py")
VARIABLE = "IDETOUR_AGENT_ULIMITS"  # a worker's own, which win over those of the server that took the task
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SIZE = re.compile(r"(\d+)([KMGT]?)B?")
LOOK_SECONDS = 0.5  # between two looks at all processes
SHARE = 0.02  # of a processor that looking may take
CPU_GRACE = 5  # seconds between the signal that says so and the one that kills
SOONER = 500  # oom_score_adj: where the machine has no memory left, the agent goes before other programs

# What the system says to who is refused, and what it means.
SAID = {
    "file": re.compile(r"File too large|File size limit exceeded|EFBIG"),
    "memory": re.compile(r"MemoryError|Cannot allocate memory|std::bad_alloc|out of memory|ENOMEM"),
    "processes": re.compile(r"fork: (?:retry: )?Resource temporarily unavailable|can't start new thread"),
    "cpu": re.compile(r"CPU time limit exceeded"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes are bytes; 0 is no limit."""

    nice: int = 5  # steps behind who started it
    file: int = 16 << 30  # the longest
    memory: int = 0  # of a process, and of all together
    processes: int = 2000  # of all together
    cpu: int = 0  # seconds of processor time, of a process

    def told(self) -> str:
        """In words, for a screen."""
        said = {
            "memory": f"{size(self.memory)} of memory",
            "file": f"files of {size(self.file)}",
            "processes": f"{self.processes:,} processes",
            "cpu": f"{self.cpu:,} s of processor time each",
            "nice": f"nice {self.nice}",
        }
        return ", ".join(words for name, words in said.items() if getattr(self, name)) or "none"


def of(asked: Mapping[str, int], own: Mapping[str, str] = os.environ) -> Limits:
    """The limits of a task that was given these, on this machine: three quarters of its memory, if nobody says."""
    here = json.loads(own.get(VARIABLE, "{}"))
    return Limits(**{"memory": installed() * 3 // 4, **asked, **here})


def parsed(words: Iterable[str]) -> dict[str, int]:
    """`memory=8G`, `processes=500`, `file=none`. Raises SetupError."""
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in SAID and name != "nice":
            raise SetupError(f"--ulimit {word}: there are nice, file, memory, processes and cpu.")
        match = SIZE.fullmatch(value.upper())
        if value.lower() not in ("none", "unlimited") and not (match and int(match[1])):
            raise SetupError(f"--ulimit {word}: {name} is a number such as 500 or 8G, or none.")
        found[name] = int(match[1]) * UNITS[match[2]] if match else 0
    return found


def installed() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def size(bytes: int) -> str:
    unit = next((unit for unit in ("T", "G", "M", "K") if bytes >= UNITS[unit]), "")
    return f"{bytes / UNITS[unit]:.3g} {unit}B"


def around(command: Sequence[str], limits: Limits, who: Mapping[str, Any]) -> list[str]:
    """The command that starts another one under these limits, as `who` is: what Popen takes for another user."""
    how = {
        "limits": dict(bounds(limits, alone=bool(who))),
        "nice": limits.nice,
        "sooner": SOONER,
        "who": [who["user"], who["group"]] if who else None,
    }
    return [sys.executable, "-I", "-S", str(BOUND), json.dumps(how), *command]


def bounds(limits: Limits, *, alone: bool) -> Iterator[tuple[str, tuple[int, int]]]:
    """The kernel's limits. RLIMIT_DATA and not RLIMIT_AS: node, Java and WebAssembly reserve far more than they use.

    `alone`: another user's processes are the agent's, if it is a user of the agent's own.
    """
    yield "RLIMIT_CORE", (0, 0)
    if limits.file:
        yield "RLIMIT_FSIZE", (limits.file, limits.file)
    if limits.memory:
        yield "RLIMIT_DATA", (limits.memory, limits.memory)
    if limits.cpu:
        yield "RLIMIT_CPU", (limits.cpu, limits.cpu + CPU_GRACE)
    if limits.processes and alone:
        yield "RLIMIT_NPROC", (limits.processes, limits.processes)


@dataclass(slots=True)
class Watch:
    """Looks at what all processes below one of ours take together."""

    limits: Limits
    _next: float = 0.0

    def excess(self, root: int) -> str | None:
        """What is too much, if it is time to look."""
        began = time.monotonic()
        if began < self._next:
            return None
        found = [each for each in tree.below(root) if not each.dead]
        self._next = began + max(LOOK_SECONDS, (time.monotonic() - began) / SHARE)
        if 0 < self.limits.processes < len(found):
            return f"It had more than {self.limits.processes:,} processes at a time (`--ulimit processes`)."
        resident = sum(each.resident for each in found)
        if 0 < self.limits.memory < resident and self.limits.memory < sum(map(tree.share, found)):
            return f"It used more than {size(self.limits.memory)} of memory (`--ulimit memory`)."
        return None


def hint(text: str, limits: Limits) -> str | None:
    """Which limit it was that the system speaks of, if one was set."""
    said = {
        "file": f"no file may be longer than {size(limits.file)}",
        "memory": f"no process may have more than {size(limits.memory)} of memory",
        "processes": f"there may be no more than {limits.processes:,} processes",
        "cpu": f"no process may take more than {limits.cpu:,} s of the processor",
    }
    for name, pattern in SAID.items():
        if getattr(limits, name) and (found := pattern.search(text)):
            return f"“{found[0]}” may mean that {said[name]} (`--ulimit {name}`)."
    return None
