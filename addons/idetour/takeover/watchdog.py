"""A small process that waits for its parent's end and puts back what the parent left changed.

It reads from a pipe that only the parent can write to: the system closes it however
the parent ends, `kill -9` included. Where all was undone already, it just ends.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from idetour.errors import SetupError
from idetour.takeover import UNDO, journal, process

SOURCE = Path(__file__).resolve().parents[2]
GOODBYE_SECONDS = 5.0
READY = b"\n"


@dataclass(slots=True)
class Watchdog:
    child: "subprocess.Popen[bytes]"

    def ready(self) -> None:
        """Return when it watches; before that nothing may be changed. Raises SetupError."""
        if self.child.stdout and self.child.stdout.read(1) != READY:
            raise SetupError(
                "Nothing was changed: the process that would put it back after a crash did not start."
            )

    def release(self) -> None:
        """Let it look once more, and end."""
        if self.child.stdin:
            self.child.stdin.close()
        if self.child.stdout:
            self.child.stdout.close()
        with suppress(subprocess.TimeoutExpired):  # it goes on without us
            self.child.wait(GOODBYE_SECONDS)


def start() -> Watchdog:
    """Watch over this process."""
    pid, born = process.me()
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    windows = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    child = subprocess.Popen(
        [sys.executable, "-m", "idetour.takeover.watchdog", str(pid), born],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # neither Ctrl-C nor a closed terminal reaches it
        creationflags=windows,
    )
    return Watchdog(child)


def main(pid: int, born: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # it may be gone already
        os.write(sys.stdout.fileno(), READY)
    sys.stdin.buffer.read()  # returns when the parent is gone
    journal.undo(UNDO, lambda entry: (entry.pid, entry.born) == (pid, born))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
