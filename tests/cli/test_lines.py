"""The log on the terminal: plain where it is none, coloured by kind where it is one."""

import io
import logging

import pytest
from mitmproxy.addons.termlog import TermLogHandler

from idetour.cli.lines import Beside, Line, coloured, handler


def record(level: int = logging.INFO, **extra: str) -> logging.LogRecord:
    made = logging.LogRecord("idetour", level, "", 0, "%s → up/model", ("m",), None)
    vars(made).update(extra)
    return made


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_a_time_and_a_sentence() -> None:
    said = Line(colours=False).format(record(kind="ok"))

    assert said[8:] == "  m → up/model"
    assert said[2] == said[5] == ":"


@pytest.mark.parametrize(
    ("kind", "ids", "named"),
    [
        *(("ok", False, False), ("failed", False, True), ("broken", False, True), ("refused", False, True)),
        ("ok", True, True),
    ],
)
def test_a_request_that_failed_is_named_and_on_demand_every_one(kind: str, ids: bool, named: bool) -> None:
    said = Line(colours=False, ids=ids).format(record(kind=kind, request="req_1"))

    assert said.endswith(" · req_1") is named


@pytest.mark.parametrize(
    ("level", "kind", "colour"),
    [
        (logging.INFO, "ok", "\x1b[32m"),
        (logging.INFO, "failed", "\x1b[31m"),
        (logging.INFO, "left", "\x1b[90m"),
        (logging.INFO, "refused", "\x1b[33m"),
        (logging.WARNING, "", "\x1b[33m"),
        (logging.ERROR, "ok", "\x1b[31m"),
    ],
)
def test_each_kind_has_its_colour(level: int, kind: str, colour: str) -> None:
    said = Line(colours=True).format(record(level, kind=kind))

    assert said.startswith(colour)
    assert said.endswith("\x1b[0m")


def test_what_is_of_no_kind_has_none() -> None:
    assert "\x1b" not in Line(colours=True).format(record())


def test_colours_are_for_terminals_of_people_who_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert (coloured(Terminal()), coloured(io.StringIO())) == (True, False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured(Terminal())


@pytest.mark.parametrize(
    ("how", "level"),
    [
        ({"verbose": False, "quiet": False}, logging.INFO),
        ({"verbose": True, "quiet": False}, logging.DEBUG),
        ({"verbose": False, "quiet": True}, logging.WARNING),
    ],
)
def test_quiet_and_verbose_choose_what_is_told(how: dict[str, bool], level: int) -> None:
    assert handler(**how).level == level


def test_mitmweb_shows_a_line_that_its_terminal_does_not_print_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.levelname)

    seen: list[str] = []
    printed = io.StringIO()
    shown = Shown(logging.INFO)
    monkeypatch.setattr(logging.getLogger(), "handlers", [TermLogHandler(printed), shown])
    Beside().emit(record())
    Beside().emit(record(logging.DEBUG))

    assert (seen, printed.getvalue()) == (["INFO"], "")
