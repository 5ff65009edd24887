"""One hop of the road, and what a look at it finds.

A hop is a file: a pure part that judges what it is given, and a live part, `look`,
that asks the machine. Nothing is believed because a file exists.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from idetour.doctor.road import Road


class State(StrEnum):
    OK = "ok"
    NOTE = "note"  # the road is open here, and yet this is worth knowing
    BROKEN = "broken"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is so, and what to do next: a sentence each, without keys. The text may have several lines."""

    state: State
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """`look` yields a finding for each thing that this hop has many of; a SetupError of its own counts as broken."""

    name: str
    look: Callable[[Road], Iterable[Finding]]
    needs: tuple[str, ...] = ()  # earlier hops without which a look tells nothing
    outside: bool = False  # asks the internet: not done with --offline


def ok(text: str) -> Finding:
    return Finding(State.OK, text)


def note(text: str, remedy: str = "") -> Finding:
    return Finding(State.NOTE, text, remedy)


def broken(text: str, remedy: str = "") -> Finding:
    return Finding(State.BROKEN, text, remedy)


def skipped(text: str) -> Finding:
    return Finding(State.SKIPPED, text)
