"""Regular expressions that cannot hang: how much work one may cause is counted before it is used.

A pattern such as `(a+)+b` takes longer than a life on thirty characters, and
Python's matcher can be stopped by nobody. So the ways in which a pattern may
match are counted from its syntax tree; one with too many is refused when the
profile is read, and the others see as much of a text as their count allows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from math import inf
from typing import Any

LONGEST = 200  # characters of a pattern
STEPS = 5_000_000  # for one text: some 50 ms where everything is against us
PIECES = (20_000, 1_000, 100)  # characters that are looked at in one piece; the longest that STEPS allow
FEW = 20  # repeats of something that matches in several ways: above, the ways are without number

_parser: Any = import_module("re._parser")  # not public, and as old as `re`; nothing else reads a pattern


@dataclass(frozen=True, slots=True)
class Pattern:
    """`piece`: how many characters it may be given at once."""

    compiled: re.Pattern[str]
    piece: int

    def search(self, text: str) -> str | None:
        """What matches first. Line by line, the lines in pieces; stops where STEPS might be spent."""
        spent = 0.0
        for piece in pieces(text, self.piece):
            spent += steps(self.compiled.pattern, len(piece))
            if spent > STEPS:
                return None
            if found := self.compiled.search(piece):
                return found[0]
        return None


@lru_cache(256)
def read(text: str) -> Pattern:
    """A pattern, whatever its letters' case. Raises ValueError with the second half of a sentence."""
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    try:
        compiled = re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    if compiled.fullmatch(""):
        raise ValueError("matches where nothing is said, and so everywhere")
    fitting = (length for length in PIECES if steps(text, length) <= STEPS)
    piece = next(fitting, None)
    if piece is None:
        raise ValueError(
            "can match in too many ways: use fewer of * + ? and | after and inside of each other"
        )
    return Pattern(compiled, piece)


@lru_cache(4096)
def steps(text: str, length: int) -> float:
    """The most that a search in so many characters may have to try: from each place, each way."""
    return max(1, length) * ways(_parser.parse(text), length)


def ways(parsed: Iterable[tuple[Any, Any]], length: int) -> float:
    """In how many ways a sequence may match within so many characters."""
    product = 1.0
    for operator, argument in parsed:
        product *= _ways(str(operator), argument, length)
    return product


def _ways(operator: str, argument: Any, length: int) -> float:
    match operator:
        case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN" | "AT" | "RANGE" | "CATEGORY":
            return 1
        case "SUBPATTERN" | "ASSERT" | "ASSERT_NOT":
            return ways(argument[-1], length)
        case "ATOMIC_GROUP":
            return ways(argument, length)
        case "BRANCH":
            return sum(ways(branch, length) for branch in argument[1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            fewest, most, repeated = argument
            return _repeats(ways(repeated, length), int(fewest), min(int(most), max(length, int(fewest))))
    return inf  # references to groups: what they match is as long as the text


def _repeats(each: float, fewest: int, most: int) -> float:
    if each == 1:
        return most - fewest + 1
    return sum(each**count for count in range(fewest, most + 1)) if most <= FEW and each < inf else inf


def pieces(text: str, length: int) -> Iterator[str]:
    for line in text.splitlines():
        yield from (line[at : at + length] for at in range(0, len(line), length))
