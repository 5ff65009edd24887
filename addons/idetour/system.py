"""Run the operating system's own tools: no shell, any code page, and rights for one command only.

idetour itself never runs with more rights than it was started with. What needs
more is a single command, shown before it runs; where nobody could type a
password, it is handed back in words instead of waiting for ever.
"""

import locale
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from idetour.errors import SetupError

TIMEOUT = 30.0  # seconds; a person who has to type a password gets PATIENCE more
PATIENCE = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command said. It ran; whether it did its work is `ok`."""

    command: tuple[str, ...]  # as it was meant, without what gave it rights
    code: int
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    def check(self) -> "Result":
        """This result. Raises SetupError with the tool's own last words where it failed."""
        if self.ok:
            return self
        said = (self.err.strip() or self.out.strip() or f"exit code {self.code}").splitlines()[-1]
        raise SetupError(f"`{typed(self.command)}` failed: {said}")


class NeedsRights(SetupError):
    """The command needs rights that cannot be had without a person; `command` is what they can type."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command_line(command)
        super().__init__(f"This needs administrator rights. Run it yourself: {self.command}")


def run(
    command: Sequence[str], *, elevate: bool = False, timeout: float = TIMEOUT, input: bytes = b""
) -> Result:
    """Run a program to its end; its output is decoded whatever its code page.

    With `elevate`, it gets administrator rights: as it is where we have them, else through sudo
    (Windows: its own prompt, whose output is lost). `timeout` is in seconds.
    Raises SetupError where the program is absent or too slow, NeedsRights where nobody can grant the rights.
    """
    command = tuple(command)
    if shutil.which(command[0]) is None:
        raise SetupError(f"{command[0]} is not on this machine; it was to run `{typed(command)}`.")
    actual = command
    if elevate and not is_admin():
        actual = elevated(command)
        sys.stderr.write(f"With administrator rights: {typed(command)}\n")
        timeout += PATIENCE if at_terminal() else 0
    try:
        done = subprocess.run(
            actual,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, "LC_ALL": "C.UTF-8"},  # so that what we parse is not translated
            input=input,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"`{typed(command)}` did not end within {timeout:.0f} s.") from error
    except OSError as error:
        raise SetupError(f"`{typed(command)}` could not be run: {error.strerror}.") from error
    result = Result(command=command, code=done.returncode, out=decoded(done.stdout), err=decoded(done.stderr))
    if actual != command and refused(result):
        raise NeedsRights(command)
    return result


def elevated(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command with rights. Raises NeedsRights where there is no way to get them."""
    if sys.platform == "win32":
        if not at_terminal():
            raise NeedsRights(command)
        return by_prompt(command)
    if not shutil.which("sudo"):
        raise NeedsRights(command)
    return ("sudo", *(() if at_terminal() else ("-n",)), "--", *command)


def by_prompt(command: Sequence[str]) -> tuple[str, ...]:
    """Windows: a PowerShell line that asks (UAC), waits and passes the exit code on."""

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    program, *arguments = command
    given = f" -ArgumentList {quoted(subprocess.list2cmdline(arguments))}" if arguments else ""
    script = f"exit (Start-Process -FilePath {quoted(program)}{given} -Verb RunAs -WindowStyle Hidden -Wait -PassThru).ExitCode"
    return ("powershell", "-NoProfile", "-NonInteractive", "-Command", script)


def refused(result: Result) -> bool:
    """Whether sudo, rather than the command, said no (its messages begin with its name)."""
    return not result.ok and result.err.lstrip().startswith("sudo: ")


def is_admin() -> bool:
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0


def at_terminal() -> bool:
    """Whether a person can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty())


def typed(command: Sequence[str]) -> str:
    """The command as one would type it."""
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def command_line(command: Sequence[str]) -> str:
    """The same, with what a person has to put before it to have the rights."""
    return (
        f"{typed(command)}   (in a terminal opened as administrator)"
        if sys.platform == "win32"
        else f"sudo {typed(command)}"
    )


def decoded(output: bytes) -> str:
    """Text of a tool, in UTF-8, UTF-16 (Windows), the locale's code page or GBK; what fits none is replaced."""
    if output[:2] in (b"\xff\xfe", b"\xfe\xff"):
        guesses = ["utf-16"]
    elif b"\0" in output:
        guesses = ["utf-16-le"]
    else:
        guesses = ["utf-8-sig", locale.getpreferredencoding(False), "gbk"]
    for encoding in guesses:
        try:
            return output.decode(encoding).replace("\r\n", "\n")
        except (UnicodeDecodeError, LookupError):
            continue
    return output.decode("utf-8", "replace")
