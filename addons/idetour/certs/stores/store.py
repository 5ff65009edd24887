"""What a trust store is to us: five questions, answered by one file for each store.

A store *plans* its changes as commands and only here are they run. So a plan
can be shown, and asserted in a test, for a system that is not this one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from idetour.certs.sets import Authority
from idetour.errors import SetupError
from idetour.system import NeedsRights, command_line, run, typed

type Journal = Callable[[str, Mapping[str, str]], object]
"""Writes down a change before it is made: its kind, and what is needed to undo it. Raises SetupError."""


@dataclass(frozen=True, slots=True)
class Command:
    """A system command: arguments, never a line for a shell."""

    words: tuple[str, ...]
    elevate: bool = False  # it needs administrator rights
    may_fail: bool = False  # what it removes may be gone already

    def __str__(self) -> str:
        return command_line(self.words) if self.elevate else typed(self.words)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate of ours is accepted, and how we know: a clause such as “proved by curl”."""

    trusted: bool | None  # None: nothing on this machine can tell
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A place where programs keep the roots they trust.

    `additions` and `removals` raise SetupError where a tool they need is absent.
    """

    name: str  # as in `--store`
    title: str
    after: str  # what its programs still need when it has changed
    present: Callable[[], bool]
    trusted: Callable[[Authority], Verdict]
    additions: Callable[[Authority], Sequence[Command]] = lambda authority: ()
    removals: Callable[[], Sequence[Command]] = lambda: ()  # of all our roots, older ones too
    installs: bool = True  # False: there is nothing to install; `trusted` says what to set
    unasked: bool = True  # whether it is meant where no store is named

    def install(self, authority: Authority, *, journal: Journal | None = None) -> None:
        """Add our root. Raises LeftToYou, or SetupError with a tool's words."""
        if commands := self.additions(authority):
            if journal:
                journal("trust", {"store": self.name, "fingerprint": authority.fingerprint})
            carry_out(commands)

    def remove(self) -> bool:
        """Take out every root of ours; whether there was any. Raises LeftToYou, or SetupError with a tool's words."""
        commands = self.removals()
        carry_out(commands)
        if commands and (left := self.removals()):
            again = "; ".join(map(str, left))
            raise SetupError(f"Every command succeeded, and yet it is not gone. What would be next: {again}")
        return bool(commands)


class LeftToYou(SetupError):
    """Commands that need rights which cannot be had here; the text lists them all, ready to be typed."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.commands = tuple(commands)
        lines = "".join(f"\n  {command}" for command in commands)
        super().__init__(f"Administrator rights are needed. Run this yourself:{lines}")


def carry_out(commands: Sequence[Command]) -> None:
    """Run one command after the other; where one lacks rights, hand back it and all that follow."""
    for number, command in enumerate(commands):
        try:
            done = run(command.words, elevate=command.elevate, timeout=120)
        except NeedsRights as error:
            raise LeftToYou(commands[number:]) from error
        if not command.may_fail:
            done.check()
