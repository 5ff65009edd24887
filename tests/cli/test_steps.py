"""What happens in a task, on a terminal: rows that fit, whatever agents and their tools write."""

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from idetour.agent.store import Event
from idetour.cli import screen
from idetour.cli.steps import Board, Lines, aim, one_line, told

EDIT = {
    "name": "str_replace_based_edit_tool",
    "arguments": {"command": "create", "path": "/w/长长的名字" * 20},
}
BASH = {"name": "bash", "arguments": {"command": "echo '[/red]'\x1b[31m\nls", "restart": False}}
STORY: list[tuple[str, dict[str, Any]]] = [
    ("queued", {}),
    ("start", {"runner": "driver", "model": "coder", "route": "gateway"}),
    ("step.started", {"step": 1}),
    ("llm.response", {"content": "ok", "usage": {"input_tokens": 12_000, "output_tokens": 345}}),
    ("tool.calls", {"tool_calls": [EDIT, BASH]}),
    ("tool.results", {"tool_results": [{"result": "fine"}, {"error": "no such file"}]}),
    ("step.completed", {"error": None}),
    ("complete", {"result": "all done"}),
    ("end", {"status": "completed"}),
]


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal of 80 columns without colours."""
    file = io.StringIO()
    made = Console(file=file, width=80, force_terminal=True, no_color=True, soft_wrap=True, highlight=False)
    monkeypatch.setattr(screen, "console", made)
    return file


def test_steps_are_rows_of_a_terminal(paper: io.StringIO) -> None:
    board = Board()
    for seq, (type, data) in enumerate(STORY, 1):
        board.show(Event(seq, 100.0 + seq, type, data))
    lines = [line.rstrip() for line in paper.getvalue().splitlines()]

    assert lines[1].startswith("  1 edit      create /w/长长的名字")
    assert lines[1].endswith("…    4.0 s  12,345 tok")
    assert lines[2] == "    bash      echo '[/red]'�[31m ls"
    assert lines[3].strip() == "no such file"
    assert lines[-1] == "\x1b[1mcompleted: 1 step in 8 s, 12,345 tokens\x1b[0m"


def test_what_runs_is_alive(paper: io.StringIO) -> None:
    with Board() as board:
        board.show(Event(1, 100.0, "step.started", {"step": 7}))
        screen.console.print(board.drawn())

    assert "  7           thinks …" in paper.getvalue()


def test_a_step_that_is_over_does_not_stand_there_twice(paper: io.StringIO) -> None:
    """Not even until the part that is alive is drawn again."""
    board = Board()
    board._live.auto_refresh = False
    with board:
        board.show(Event(1, 100.0, "step.started", {"step": 7}))
        board._live.refresh()
        paper.truncate(paper.seek(0))
        board.show(Event(2, 101.0, "step.completed", {}))
        assert paper.getvalue().count("  7 ") == 1


def delta(**data: Any) -> Event:
    return Event(1, 100.0, "llm.delta", {"step": 1, **data})


def drawn(board: Board, paper: io.StringIO) -> list[str]:
    """The lines of the part that is alive."""
    paper.truncate(paper.seek(0))
    screen.console.print(board.drawn())
    return [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in paper.getvalue().splitlines()]


def test_what_the_model_says_stands_below_its_step_until_it_is_said(paper: io.StringIO) -> None:
    board = Board()
    board.show(Event(1, 100.0, "step.started", {"step": 1}))
    board.show(delta(reasoning="Hm, \x1b[31m"))
    board.show(delta(text="one\ntwo"))
    board.show(delta(call=0, tool="str_replace_based_edit_tool", arguments='{"path": "a"'))
    board.show(delta(call=0, tool="str_replace_based_edit_tool", arguments=', "text": "x\\ny'))

    assert drawn(board, paper)[1:5] == [
        "    one",
        "    two",
        '    edit {"path": "a", "text": "x',
        "    y",
    ]
    board.show(Event(2, 100.0, "llm.response", {"content": "one two"}))
    assert "two" not in "".join(drawn(board, paper)[1:])
    board.show(delta(text="after its step"))
    board.show(Event(3, 100.0, "step.completed", {}))
    assert "after" not in "".join(drawn(board, paper))


def test_a_long_line_is_wrapped_and_its_end_is_seen(paper: io.StringIO) -> None:
    board = Board()
    board.show(Event(1, 100.0, "step.started", {"step": 1}))
    board.show(delta(text="wide 宽" * 200 + " the end"))
    lines = drawn(board, paper)

    assert len(lines) == 6
    assert lines[4].endswith("the end")
    assert max(map(cell_len, lines)) <= 80


def test_another_attempt_begins_anew(paper: io.StringIO) -> None:
    board = Board()
    board.show(Event(1, 100.0, "step.started", {"step": 1}))
    board.show(delta(text="Hal"))
    board.show(delta(text="Hello", again=True))

    assert drawn(board, paper)[1:2] == ["    Hello"]


def test_in_a_pipe_no_line_tells_of_a_piece(paper: io.StringIO) -> None:
    Lines().show(delta(text="x"))

    assert paper.getvalue() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"command": "ls"}, "ls"), ({"thought": "so\nwhat"}, "so what"), (None, ""), ({}, ""), ("x", "x")],
)
def test_a_call_is_told_by_what_it_is_for(arguments: Any, said: str) -> None:
    assert aim(arguments) == said


def test_text_of_others_cannot_drive_the_terminal() -> None:
    assert one_line("a\x1b[31m\nb\t c", 6) == "a\ufffd[31m…"
    assert told("tool.results", {"tool_results": [{"result": "x\x07"}]}) == "   ← x\ufffd"
    assert told("step.started", {}) == ""
