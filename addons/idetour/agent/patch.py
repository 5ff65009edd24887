"""Exactly what the agent changed, as a patch, whether its directory is a repository or not.

A repository of our own lies beside the directory and takes it in before and
after the run. So new, deleted and binary files are in the patch, what had been
changed before is not, and the user's own repository and index are not touched.
What `.gitignore` names is left out, and so is the inside of nested repositories.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idetour.errors import SetupError

LOOK_SECONDS = 0.05
SNAPSHOT_SECONDS = 60.0  # a directory that takes longer is no project
SAFE = (  # nothing of the directory's own may run, and nothing of it be changed
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.autocrlf=false"),
    *("-c", "core.quotePath=false", "-c", "diff.ignoreSubmodules=all", "-c", "advice.addEmbeddedRepo=false"),
)
DIFF = ("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv")


@dataclass(slots=True)
class Shadow:
    """`folder` is the repository of our own, `work` the directory; `popen` says as whom git runs."""

    folder: Path
    work: Path
    popen: Mapping[str, Any] = field(default_factory=dict)
    before: str = ""  # the tree as it was

    def begin(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Take in the directory as it is. Raises SetupError where git is absent, fails, takes too long or is stopped."""
        if not shutil.which("git"):
            raise SetupError("git is not on this machine.")
        self._git("init", "--quiet")
        self.before = self._tree(stopped)

    def changes(self, into: Path, most: int) -> bool:
        """Write the patch; whether there is one. Raises SetupError, also for one of more than `most` bytes."""
        after = self._tree()
        if after == self.before:
            return False
        with into.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            self._git(*DIFF, self.before, after, out=file)
        size = into.stat().st_size
        if size > most:
            into.unlink()
            raise SetupError(f"it would be {size / (1 << 20):,.0f} MB long.")
        return size > 0

    def _tree(self, stopped: Callable[[], bool] = lambda: False) -> str:
        self._git("add", "--all", ".", stopped=stopped)
        return self._git("write-tree")

    def _git(
        self, *words: str, out: Any = subprocess.PIPE, stopped: Callable[[], bool] = lambda: False
    ) -> str:
        try:
            with subprocess.Popen(
                ["git", *SAFE, *words],
                cwd=self.work,
                env=environment(self.folder, self.work),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                **self.popen,
            ) as git:
                said, trouble = waited(git, stopped)
        except subprocess.TimeoutExpired:
            raise SetupError(f"git needed more than {SNAPSHOT_SECONDS:.0f} s for {self.work}.") from None
        except OSError as error:
            raise SetupError(f"git could not be run in {self.work}: {error.strerror}.") from error
        if git.returncode:
            raise SetupError(f"git {words[0]}: {trouble.decode(errors='replace').strip()[-300:]}")
        return said.decode().strip() if said else ""


def waited(git: subprocess.Popen[bytes], stopped: Callable[[], bool]) -> tuple[bytes, bytes]:
    """What it says in the end; it is killed when it is stopped, or takes too long. Raises TimeoutExpired, SetupError."""
    until = time.monotonic() + SNAPSHOT_SECONDS
    while True:
        try:
            return git.communicate(timeout=LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if stopped():
                git.kill()
                raise SetupError("it was stopped.") from None
            if time.monotonic() > until:
                git.kill()
                raise


def environment(folder: Path, work: Path) -> dict[str, str]:
    """No setting of the user's or of the machine's counts."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_DIR": str(folder),
        "GIT_WORK_TREE": str(work),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": os.devnull,
        "LC_ALL": "C",
    }
