"""What is wrong in a file, and where: all of it at once, each with its line and a caret."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from idetour.errors import SetupError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault. `line` and `column` count from 1; line 0 means the file as a whole."""

    path: Path
    line: int = 0
    column: int = 0
    message: str
    hint: str = ""
    source_line: str = ""  # literal keys in it are covered

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)

    def __str__(self) -> str:
        first = f"{self.place}: {self.message}"
        if not self.source_line.strip():
            return f"{first}\n    {self.hint}" if self.hint else first
        margin = len(self.source_line) - len(self.source_line.lstrip())
        caret = _blank(self.source_line[margin : self.column - 1]) + "^ " + self.hint
        return f"{first}\n    {self.source_line.strip()}\n    {caret.rstrip()}"


class ProfileError(SetupError):
    """A profile, or the catalog, cannot be used. Its text lists every problem in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        once = dict.fromkeys(problems)  # what an alias repeats is one fault
        self.problems = tuple(sorted(once, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))


def near(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A question that offers the nearest known word, or nothing where none is near."""
    found = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"did you mean '{found[0]}'?" if found else ""


def _blank(text: str) -> str:
    """As many blanks as `text` is wide on a terminal: two for a Chinese character, a tab for a tab."""
    return "".join(
        "\t" if char == "\t" else "  " if unicodedata.east_asian_width(char) in "WF" else " " for char in text
    )
