"""What the terminal shows: text in columns, colours only where there is a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

# A path, a name or an error may hold [brackets] or :colons:, which are not ours to interpret.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)

ENDLESS = 1000  # columns
NOTHING = ("", "–")  # a cell that says nothing


def rows(lines: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Label and text in two columns."""
    lines = list(lines)
    width = max((len(label) for label, _ in lines), default=0)
    for label, text in lines:
        console.print(Text(f"{'':{indent}}{label:<{width}}  ", style="bold").append(text, style="not bold"))


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
    made = Table(*(heading for heading, _ in columns), box=None, pad_edge=False, header_style="bold")
    for line in zip(*(column for _, column in columns), strict=True):
        made.add_row(*(Text(cell) for cell in line))
    (console if console.is_terminal else Console(width=ENDLESS)).print(made)
