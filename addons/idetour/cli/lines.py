"""The log on the terminal: a time and a plain sentence, coloured by its kind where there are colours."""

import logging
import os
import sys
from typing import TextIO

import click

COLOURS = {  # of requests, by their outcome
    "ok": "green",
    "failed": "red",
    "refused": "yellow",
    "broken": "red",
    "left": "bright_black",
    "stopped": "bright_black",
}
FAILED = ("failed", "broken", "refused")


class Terminal(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be written is lost: there is nowhere to say so."""


class Line(logging.Formatter):
    """With the request's id where it failed, to look it up, or with `ids` everywhere."""

    def __init__(self, *, colours: bool, ids: bool = False) -> None:
        super().__init__("%(asctime)s  %(message)s", "%H:%M:%S")
        self._colours, self._ids = colours, ids

    def format(self, record: logging.LogRecord) -> str:
        said = super().format(record)
        if (self._ids or getattr(record, "kind", "") in FAILED) and (id := getattr(record, "request", None)):
            said = f"{said} · {id}"
        colour = self._colour(record) if self._colours else None
        return click.style(said, fg=colour) if colour else said

    def _colour(self, record: logging.LogRecord) -> str | None:
        if record.levelno >= logging.ERROR:
            return "red"
        if record.levelno >= logging.WARNING:
            return "yellow"
        return COLOURS.get(getattr(record, "kind", ""))


class Beside(logging.Handler):
    """Hands lines on to what mitmproxy has beside its terminal, which is mitmweb's event log: it would print them again."""

    def emit(self, record: logging.LogRecord) -> None:
        from mitmproxy.addons.termlog import TermLogHandler

        for each in logging.getLogger().handlers:
            if record.levelno >= each.level and not isinstance(each, TermLogHandler):
                each.handle(record)


def coloured(stream: TextIO) -> bool:
    """Whether colours are of use: at a terminal, unless `NO_COLOR` is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def handler(*, verbose: bool, quiet: bool) -> logging.Handler:
    """For stdout. `quiet`: warnings alone."""
    made = Terminal(sys.stdout)
    made.setFormatter(Line(colours=coloured(sys.stdout), ids=verbose))
    made.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    return made
