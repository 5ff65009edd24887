"""What the terminal shows: text in columns, colours only where there is a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)


def rows(lines: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Label and text in two columns; a label is said once."""
    lines = list(lines)
    width = max((len(label) for label, _ in lines), default=0)
    for label, text in lines:
        console.print(Text(f"{'':{indent}}{label:<{width}}  ", style="bold").append(Text(text, style="not bold")))


def table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> None:
    """A table without lines; what does not fit is not cut."""
    made = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for line in lines:
        made.add_row(*(Text(cell) for cell in line))
    wide = Console(highlight=False, width=max(console.width, 160)) if not console.is_terminal else console
    wide.print(made)
