"""The agent's process with its two pipes: the console, kept in a file, and the driver's events."""

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import msgspec

from idetour.agent.store import Said

EVENTS = "IDETOUR_EVENTS"  # names the descriptor that the driver writes to
READ = 1 << 20  # bytes at a time
PIPE = 16  # reads that empty any pipe
LONGEST = 8 << 20  # bytes of one event; what is longer is not the driver's


class Signals:
    """Signals wake whoever waits for `descriptor`: nothing is missed between a look and a wait."""

    def __init__(self) -> None:
        self.asked_to_stop = False
        self.at_once = False  # SIGINT: without a second to end by itself
        self.descriptor, self._write = os.pipe()
        for end in (self.descriptor, self._write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler it would wake nobody

    def _stop(self, number: int, _: object) -> None:
        self.asked_to_stop = True
        self.at_once |= number == signal.SIGINT

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.descriptor, READ)

    def close(self) -> None:
        signal.set_wakeup_fd(-1)
        for each in (self.descriptor, self._write):
            os.close(each)


class Child:
    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        signals: Signals,
        pipe: Path | None = None,
    ) -> None:
        """Raises OSError where it cannot be started, in its folder or at all, or where `log` cannot be written.

        Events come by a descriptor that is inherited, or by a named `pipe` where nothing is.
        """
        kept = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        events, events_end = named(pipe) if pipe else os.pipe()
        console, console_end = os.pipe()
        try:
            self.process = subprocess.Popen(
                command,
                env={EVENTS: str(events_end), **environment},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=console_end,
                stderr=console_end,
                pass_fds=[events_end],
                start_new_session=True,
            )
        except BaseException:
            for each in (kept, events, console):
                os.close(each)
            raise
        finally:
            os.close(events_end)
            os.close(console_end)
        self.written = 0  # bytes, to both pipes
        self._log: FileIO | None = FileIO(kept, "a")
        self._rest = b""
        self._signals = signals
        self._selector = selectors.DefaultSelector()
        self._selector.register(signals.descriptor, selectors.EVENT_READ, "signal")
        for descriptor, name in ((events, "events"), (console, "console")):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, name)

    def look(self, seconds: float) -> list[Said]:
        """What the driver says; waits so long for something to happen."""
        said: list[Said] = []
        for key, _ in self._selector.select(seconds):
            if key.data == "signal":
                self._signals.clear()
                continue
            if data := read(key.fd):
                self.written += len(data)
                if key.data == "events":
                    said += self._events(data)
                else:
                    self._keep(data)
            elif data == b"":
                self._selector.unregister(key.fd)
                os.close(key.fd)
        return said

    def drain(self) -> list[Said]:
        """What is left in the pipes; somebody who holds them open is not waited for."""
        said: list[Said] = []
        for _ in range(PIPE):
            before = self.written
            said += self.look(0)
            if self.written == before:
                break
        return said

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.poll()

    def reap(self) -> None:
        """Collect whoever ended: orphans became our children. The agent's own code is not taken from Popen."""
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                if ended.si_pid == self.process.pid:
                    self.process.wait()
                else:
                    os.waitpid(ended.si_pid, 0)

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data != "signal":
                os.close(key.fd)
        self._selector.close()
        if self._log:
            self._log.close()

    def _events(self, data: bytes) -> Iterator[Said]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            self._rest = b""
        for line in lines:
            with contextlib.suppress(ValueError, RecursionError, KeyError):
                event = msgspec.json.decode(line, type=dict[str, Any])
                yield str(event.pop("type")), event

    def _keep(self, data: bytes) -> None:
        """A disk that is full costs the log, not the run."""
        if self._log:
            try:
                self._log.write(data)
            except OSError:
                self._log.close()
                self._log = None


def named(path: Path) -> tuple[int, int]:
    """Both ends of a pipe with a name. The first may write too, else it would end before the agent begins."""
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR | os.O_NONBLOCK), os.open(path, os.O_WRONLY)


def read(descriptor: int) -> bytes | None:
    """What is there; empty at the end, None where there is nothing yet."""
    try:
        return os.read(descriptor, READ)
    except BlockingIOError:
        return None
