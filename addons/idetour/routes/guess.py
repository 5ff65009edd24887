"""What a method thinks a text is about, and how sure it is. One that is not sure says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

type Examples = Mapping[str, Sequence[str]]  # label → sentences that mean it


class Declined(Exception):
    """The method cannot say: not made for this language, not reachable, not yet ready."""


@dataclass(frozen=True, slots=True)
class Guess:
    method: str
    label: str | None  # None: not sure
    score: float
    margin: float  # how far the score is ahead of the next label's
    shown: str  # for people

    def __str__(self) -> str:
        return self.shown


class Method(Protocol):
    async def guess(self, text: str, own: Examples) -> Guess:
        """One of the built-in labels, or of the user's own. Raises Declined."""


def best(method: str, scores: Mapping[str, float], *, least: float, margin: float) -> Guess:
    """The label of the highest score, unless that is below `least` or by less than `margin` ahead."""
    ranked = sorted(scores.items(), key=lambda each: -each[1])
    (first, score), (second, next_score) = [*ranked, ("nothing", 0.0), ("nothing", 0.0)][:2]
    ahead = score - next_score
    sure = score >= least and ahead >= margin
    shown = f"{method}: {first} {score:.2f}, {ahead:.2f} ahead of {second}" + ("" if sure else ": not sure")
    return Guess(method, first if sure else None, score, ahead, shown)
