"""Columns of text, the same for a person and for a pipe."""

import io

import pytest
from rich.console import Console

from idetour.cli import screen


def test_rows_stand_in_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    screen.rows([("a", "one"), ("longer", "two")])

    assert capsys.readouterr().out == "  a       one\n  longer  two\n"


def test_no_rows_are_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    screen.rows([])

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["[red]x[/]", ":key:", "http://127.0.0.1:8080/v1", "x" * 300])
def test_text_is_shown_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    screen.rows([("a", text)], indent=0)
    screen.table(("head",), [(text,)])
    screen.warn([text])

    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == [
        f"a  {text}",
        "head",
        text,
        f"warning: {text}",
    ]


def test_a_pipe_gets_no_colours_and_a_terminal_does() -> None:
    pipe, terminal = io.StringIO(), io.StringIO()
    Console(file=pipe).print("x", style="bold")
    Console(file=terminal, force_terminal=True, color_system="truecolor").print("x", style="bold")

    assert pipe.getvalue() == "x\n"
    assert "\x1b[" in terminal.getvalue()


def test_a_column_that_says_nothing_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(("a", "b", "", "d"), [("1", "–", "x", ""), ("2", "", "", "–")])

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["a", "1  x", "2"]


def test_a_table_without_rows_keeps_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(("a", "b"), [])

    assert capsys.readouterr().out == "a  b\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.0, "0 ms"), (0.25, "250 ms"), (7.23, "7.2 s"), (200.0, "3 min 20 s")],
)
def test_times_are_written_as_people_say_them(seconds: float | None, text: str) -> None:
    assert screen.duration(seconds) == text


def test_nothing_that_others_say_drives_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b]0;title\x07\x9b2J\rb\u202ec"
    screen.rows([(hostile, hostile)])
    screen.table((hostile,), [(hostile,)])
    screen.warn([hostile])
    screen.console.print(hostile)

    said = capsys.readouterr().out
    assert screen.CONTROLS.search(said.replace("\n", "")) is None
    assert said.count("title") == 6
    assert screen.plain("一　行\r\n\tünï") == "一　行\n\tünï"
