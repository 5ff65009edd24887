"""What happened to one request: filled while it runs, read by logs, flow comments and lists."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from idetour.gateway.live import Live
from idetour.profile import Target
from idetour.usage.row import Counted
from idetour.wire.chunks import Usage

LONGEST = 1000  # characters of a message that are kept
# How an attempt ends that asks nobody: there is no key to send, or no way to say it.
NO_KEY, NO_WORD = "no key", "no word"

type Outcome = Literal["running", "ok", "failed", "broken", "left", "stopped", "refused"]
type Stage = Literal["began", "attempt", "committed", "ended"]


def new_id() -> str:
    return f"req_{random.getrandbits(80):020x}"


@dataclass(slots=True)
class Tried:
    """One attempt: its target, how it ended in a few words, and when that was (seconds after the request came)."""

    target: Target
    ended: str
    after: float
    began: float = 0.0
    key: str = ""  # as it may be shown
    error: str | None = None
    rest: float | None = None  # seconds for which the upstream asks to be left alone


def unheard(record: "Record", stage: Stage) -> None:
    """Nobody follows the request."""


@dataclass(slots=True, kw_only=True)
class Record:
    asked: str
    door: str  # "direct", or the host that was intercepted
    id: str = field(default_factory=new_id)
    began: float = field(default_factory=time.time)
    tried: list[Tried] = field(default_factory=list)
    target: Target | None = None
    # In the request that was sent last, in a few words each: what answers have taught, and all with its reason.
    changed: list[str] = field(default_factory=list)
    fitted: list[str] = field(default_factory=list)
    outcome: Outcome = "running"
    status: int = 0
    error: str | None = None
    usage: Usage | None = None
    first_token: float | None = None  # seconds; streams only
    total: float | None = None  # seconds
    client: str = ""  # the program that asked
    protocol: str = "chat"
    path: str = ""
    stream: bool = False
    key: str = ""  # with which it was answered
    estimate: int | None = None  # tokens of the request
    counted: Counted | None = None  # who counted `usage`
    said: int = 0  # bytes of the answer's text, as JSON
    live: Live | None = field(default=None, repr=False, compare=False)  # where somebody listens
    told: Callable[["Record", Stage], None] = field(default=unheard, repr=False, compare=False)
    _asking: tuple[float, str] = (0.0, "")  # since when, and with which key
    _start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.asked = shown(self.asked, 200)

    def changes(self) -> tuple[str, ...]:
        """All that was changed: in the request, each with its reason, then what was put right in the answer."""
        said = {each.removesuffix(" (learned)") for each in self.fitted}
        return *map(shown, self.fitted), *(each for each in self.changed if each not in said)

    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def asks(self, key: str) -> None:
        """An attempt begins, with the key that is shown so."""
        self._asking = self.elapsed(), key

    def attempt(
        self, target: Target, ended: str, *, error: str | None = None, rest: float | None = None
    ) -> None:
        """An attempt ended without an answer."""
        self._note(target, ended, error and shown(error), rest)
        if self.live:
            self.live.end("broken")
        self.told(self, "attempt")

    def answered(self, target: Target, *, stream: bool) -> None:
        """The answer is committed; of a stream, the first token goes to the client now."""
        self._note(target, "answered")
        self.target, self.status, self.key = target, 200, self.tried[-1].key
        self.first_token = self.elapsed() if stream else None
        self.told(self, "committed")

    def _note(self, target: Target, ended: str, error: str | None = None, rest: float | None = None) -> None:
        now = self.elapsed()
        began, key = self._asking if self._asking[0] else (now, "")
        self._asking = 0.0, ""
        self.tried.append(Tried(target, shown(ended, 80), now, began=began, key=key, error=error, rest=rest))

    def end(self, outcome: Outcome, *, status: int | None = None, error: str | None = None) -> None:
        """The first end counts."""
        if self.outcome == "running":
            self.outcome, self.total = outcome, self.elapsed()
            self.status, self.error = status or self.status, error and shown(error)
            if self.live:
                self.live.end(outcome)
            self.told(self, "ended")

    def line(self) -> str:
        """The request in one line: who asked whom, how it went, tokens and times."""
        words = [f"{self.asked} → {self.target or 'nobody'}"]
        if len(self.tried) > 1:
            words.append("after " + ", ".join(f"{each.target} ({each.ended})" for each in self.tried[:-1]))
        if self.changed:
            words.append(", ".join(self.changed))
        if self.usage:
            guessed = self.counted == "estimate"
            guess = f" (estimated {self.estimate:,})" if self.estimate and not guessed else ""
            said = f"tokens in {self.usage.prompt:,}{guess} out {self.usage.completion:,} total {self.usage.total:,}"
            words.append(f"{said}, all estimated" if guessed else said)
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
