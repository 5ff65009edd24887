"""What the terminal shows: text in columns, colours only where there is a terminal."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# What drives a terminal, and what turns the direction of a line around.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Others' words, fit for a terminal: a model's name or answer may hold anything."""
    return CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))


class Screen(Console):
    def print(self, *said: Any, **how: Any) -> None:
        super().print(*(plain(each) if isinstance(each, str) else each for each in said), **how)


# A path, a name or an error may hold [brackets] or :colons:, which are not ours to interpret.
console = Screen(highlight=False, soft_wrap=True, markup=False, emoji=False)

ENDLESS = 1000  # columns
NOTHING = ("", "–")  # a cell that says nothing


def rows(lines: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Label and text in two columns."""
    lines = list(lines)
    width = max((len(label) for label, _ in lines), default=0)
    for label, text in lines:
        head = Text(f"{'':{indent}}{plain(label):<{width}}  ", style="bold")
        console.print(head.append(plain(text), style="not bold"))


def warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow")


def table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    """A table without lines and without columns that say nothing; where there is no terminal, nothing in it is cut
    or wrapped.
    """
    cells = [list(line) for line in lines]
    columns = [
        (heading, column)
        for heading, *column in zip(headings, *cells, strict=True)
        if not column or any(cell not in NOTHING for cell in column)
    ]
    made = Table(*(plain(heading) for heading, _ in columns), box=None, pad_edge=False, header_style="bold")
    for line in zip(*(column for _, column in columns), strict=True):
        made.add_row(*(Text(plain(cell)) for cell in line))
    (console if console.is_terminal else Console(width=ENDLESS)).print(made)


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 0.25 → 250 ms, 7.2 → 7.2 s, 200 → 3 min 20 s."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
