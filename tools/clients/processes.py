"""A program from its start to its end, or to ours."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LONGEST = 200  # characters of a line


@dataclass(frozen=True, slots=True)
class Done:
    """`lines` are those that it wrote and that say something."""

    code: int
    lines: tuple[str, ...]

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else ""

    @property
    def complaint(self) -> str:
        """The first line that tells of an error, without addresses: where a machine installs from is its own affair."""
        telling = (line for line in self.lines if re.search(r"error\b(?! code)", line, re.IGNORECASE))
        return re.sub(r"\S+://\S+", "…", next(telling, self.last))


def finish(
    command: list[str],
    *,
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run a program to its end, or to ours: what is not ready in time is stopped with all that it started."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        late = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.read().decode(errors="replace"))
    lines = [line.strip()[:LONGEST] for line in text.splitlines() if line.strip()]
    if late:
        lines.append(f"not ready after {seconds:.0f} s; last: {lines[-1] if lines else 'nothing'}")
    return Done(process.returncode, tuple(lines))
