"""What happened to one request: filled while it runs, read by logs, flow comments and lists."""

import random
import time
from dataclasses import dataclass, field
from typing import Literal

from idetour.profile import Target
from idetour.wire.chunks import Usage

LONGEST = 1000  # characters of a message that are kept

type Outcome = Literal["running", "ok", "failed", "broken", "left", "stopped"]


@dataclass(slots=True)
class Tried:
    """One attempt: its target, how it ended in a few words, and when that was (seconds after the request came)."""

    target: Target
    ended: str
    after: float


@dataclass(slots=True, kw_only=True)
class Record:
    asked: str
    door: str  # "direct", or the host that was intercepted
    id: str = field(default_factory=lambda: f"req_{random.getrandbits(80):020x}")
    began: float = field(default_factory=time.time)
    tried: list[Tried] = field(default_factory=list)
    target: Target | None = None
    outcome: Outcome = "running"
    status: int = 0
    error: str | None = None
    usage: Usage | None = None
    first_token: float | None = None  # seconds; streams only
    total: float | None = None  # seconds
    _start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.asked = shown(self.asked, 200)

    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def attempt(self, target: Target, ended: str) -> None:
        self.tried.append(Tried(target, shown(ended, 80), self.elapsed()))

    def answered(self, target: Target, *, stream: bool) -> None:
        """The answer is committed; of a stream, the first token goes to the client now."""
        self.attempt(target, "answered")
        self.target, self.status = target, 200
        self.first_token = self.elapsed() if stream else None

    def end(self, outcome: Outcome, *, status: int | None = None, error: str | None = None) -> None:
        """The first end counts."""
        if self.outcome == "running":
            self.outcome, self.total = outcome, self.elapsed()
            self.status, self.error = status or self.status, error and shown(error)

    def line(self) -> str:
        """The request in one line: who asked whom, how it went, tokens and times."""
        words = [f"{self.asked} → {self.target or 'nobody'}"]
        if len(self.tried) > 1:
            words.append("after " + ", ".join(f"{each.target} ({each.ended})" for each in self.tried[:-1]))
        if self.usage:
            words.append(
                f"tokens in {self.usage.prompt:,} out {self.usage.completion:,} total {self.usage.total:,}"
            )
        if self.first_token is not None:
            words.append(f"first token {self.first_token * 1000:,.0f} ms")
        if self.total is not None:
            words.append(f"{self.total:.1f} s")
        if self.outcome in ("failed", "broken"):
            words.append(f"{self.outcome} {self.status}: {self.error}")
        elif self.outcome in ("left", "stopped"):
            words.append("the client left" if self.outcome == "left" else "idetour was stopped")
        return shown(" · ".join(words), 4 * LONGEST)


def shown(text: str, most: int = LONGEST) -> str:
    """Text of others, fit for a log: one line, no control characters (they could forge lines or drive a terminal)."""
    cut = f"{text[:most]}…" if len(text) > most else text
    return cut if cut.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in cut)
