"""Who holds a port, and which one is free."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

LISTEN = "0A"  # a state in /proc/net/tcp


def obstacle(host: str, port: int) -> OSError | None:
    """Why we could not listen there: EADDRINUSE, no right to, no such address. Port 0 stands for any."""
    try:
        with bound(host, port):
            return None
    except OSError as error:
        return error


def next_free(host: str, port: int) -> int:
    """The next port that is free and needs no rights; any one if none of the next hundred is."""
    after = range(max(port, 1023) + 1, min(port + 100, 65536))
    return next((each for each in after if obstacle(host, each) is None), 0) or any_free(host)


def any_free(host: str) -> int:
    """A free port of the system's choice. Raises OSError where `host` is no address of this machine."""
    with bound(host, 0) as probe:
        return int(probe.getsockname()[1])


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the port until it is closed."""
    probe = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if os.name != "nt":  # there it would mean that two programs may share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    except OSError:
        probe.close()
        raise
    return probe


def holder(port: int) -> str | None:
    """The program that listens on a TCP port, as `name (pid 123)`; None where it cannot be told."""
    pid = pid_by_proc(listening_inodes(port)) or pid_by_tool(port)
    return program(pid) if pid else None


def talker(port: int, to: int) -> str | None:
    """The program whose end of a connection on this machine is `port`, our end being `to`; Linux only."""
    pid = pid_by_proc(talking_inodes(port, to))
    return program(pid) if pid else None


def program(pid: int) -> str:
    """`name (pid 123)`, or without the name where it cannot be told."""
    with contextlib.suppress(OSError):
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
    return f"pid {pid}"


def pid_by_proc(numbers: Iterable[str]) -> int | None:
    """Linux: the process that has one of these sockets open, by their inodes from /proc/net/tcp."""
    inodes = {f"socket:[{inode}]" for inode in numbers}
    for link in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        with contextlib.suppress(OSError):
            if str(link.readlink()) in inodes:
                return int(link.parts[2])
    return None


def listening_inodes(port: int) -> Iterator[str]:
    return (inode for local, _, state, _, inode in sockets() if state == LISTEN and local == port)


def talking_inodes(port: int, to: int) -> Iterator[str]:
    return (inode for local, remote, *_, inode in sockets() if (local, remote) == (port, to))


def stranger(port: int) -> bool:
    """Whether another user than we and root listens on a port; Linux only. Such a one is told no secret of ours.

    A port is held by whoever comes first, and may be made to answer as we would. Root is not asked: it has
    to do with programs of all users.
    """
    listening = {uid for local, _, state, uid, _ in sockets() if state == LISTEN and local == port}
    return os.name == "posix" and os.geteuid() != 0 and not listening <= {0, os.geteuid()}


def sockets() -> Iterator[tuple[int, int, str, int, str]]:
    """Local port, remote port, state, user and inode of each TCP socket, on Linux."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                local, remote = (int(fields[each].rpartition(":")[2], 16) for each in (1, 2))
                yield local, remote, fields[3], int(fields[7]), fields[9]


def pid_by_tool(port: int) -> int | None:
    """macOS has `lsof`, Windows `netstat`; both print the process id."""
    found = None
    if lsof := shutil.which("lsof"):
        found = re.search(r"(\d+)", output(lsof, "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"))
    elif netstat := os.name == "nt" and shutil.which("netstat"):
        found = re.search(rf":{port}\s+\S+\s+LISTENING\s+(\d+)", output(netstat, "-ano", "-p", "TCP"))
    return int(found[1]) if found else None


def output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, timeout=5, errors="replace", text=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
