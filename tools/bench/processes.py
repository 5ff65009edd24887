"""Processes: on which core they run, what they used, what they hold."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 90.0  # seconds until a system listens; LiteLLM takes ten and more
PAGE = os.sysconf("SC_PAGE_SIZE")


class StartError(Exception):
    """A system did not start. Carries the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Running:
    """A program and all that it started: they form a process group of their own."""

    process: subprocess.Popen[str]

    def members(self) -> Iterator[Path]:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it ended meanwhile
                if int(stat.read_text().rpartition(")")[2].split()[2]) == self.process.pid:
                    yield stat.parent

    def cpu(self) -> float:
        """Seconds of CPU used so far, by the threads that still live."""
        used = 0
        for member in self.members():
            for schedule in member.glob("task/*/schedstat"):
                with suppress(OSError):
                    used += int(schedule.read_text().split()[0])
        return used / 1e9

    def memory(self) -> int:
        """Resident bytes."""
        return sum(int((member / "statm").read_text().split()[1]) for member in self.members()) * PAGE

    def hurry(self, level: int) -> None:
        """Go before (< 0) what else runs on this machine, as far as we may.

        Where Linux groups processes by session, as it does by default, `nice`
        says nothing between groups, and the group has a level of its own.
        """
        with suppress(OSError):
            os.setpriority(os.PRIO_PGRP, self.process.pid, level)
            Path(f"/proc/{self.process.pid}/autogroup").write_text(str(level))

    def stop(self) -> None:
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signum)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
                break
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def start(
    command: Sequence[str], *, core: int, log: Path, env: Mapping[str, str] | None = None, pipe: bool = False
) -> Running:
    """Start a program on one core, where there is more than one."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            env=os.environ | (env or {}),
            stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else output,
            stderr=output,
            start_new_session=True,
            text=True,
        )
    cores = sorted(os.sched_getaffinity(0))
    with suppress(ProcessLookupError):
        os.sched_setaffinity(process.pid, {cores[core % len(cores)]})
    return Running(process)


def answering(running: Running, port: int, *, log: Path) -> float:
    """Wait for an HTTP answer, whichever. The seconds it took. Raises StartError."""
    began = time.monotonic()
    while time.monotonic() < began + PATIENCE and running.process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
            probe.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if probe.recv(5) == b"HTTP/":
                return time.monotonic() - began
        time.sleep(0.005)
    running.stop()
    raise StartError(f"nothing answers on {port}: {log.read_text()[-1000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
