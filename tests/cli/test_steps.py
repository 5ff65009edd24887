"""What happens in a task, on a terminal: rows that fit, whatever agents and their tools write."""

import io
from typing import Any

import pytest
from rich.console import Console

from idetour.agent.store import Event
from idetour.cli import screen
from idetour.cli.steps import Board, aim, one_line, told

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
