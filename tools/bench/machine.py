"""What a run ran on, and what else ran there."""

import os
import platform
import resource
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


@dataclass(slots=True)
class Noise:
    """How much of the machine others used while we measured."""

    began: float
    busy: float

    def __init__(self) -> None:
        self.began, self.busy = time.monotonic(), busy()

    def cores(self) -> float:
        """To be asked when all that we started has ended."""
        self_and_children = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        mine = sum(sum(resource.getrusage(who)[:2]) for who in self_and_children)
        return max(0.0, busy() - self.busy - mine) / (time.monotonic() - self.began)


def busy() -> float:
    """Seconds that all cores together were not idle since the machine started."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def describe() -> str:
    packages = ["mitmproxy", "aiohttp", "uvicorn"] + ["uvloop"] * bool(find_spec("uvloop"))
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    python = platform.python_version()
    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {python}, {versions}"
