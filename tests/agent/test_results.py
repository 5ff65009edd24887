"""What stays of a run, where it was asked for, and what is said where it cannot be."""

import json
from collections.abc import Callable
from pathlib import Path

from agent.model import DONE, bash, create
from agent.serving import Server
from idetour.agent.limits import Limits
from idetour.agent.results import TAIL, hint, shortened

type Serve = Callable[..., Server]


def test_a_run_that_must_change_something_and_does_not_has_failed(serve: Serve) -> None:
    task = serve([DONE]).done(must_patch=True, max_steps=2)

    assert task["status"] == "failed"


def test_new_files_count_as_a_change(serve: Serve, work: Path) -> None:
    """The agent's own `git diff` does not see them."""
    task = serve([create(str(work / "new.py"))], [DONE]).done(must_patch=True)

    assert task["status"] == "completed"


def test_calls_that_come_with_the_end_are_carried_out(serve: Serve, work: Path) -> None:
    task = serve([bash("touch last.txt"), DONE]).done()

    assert task["status"] == "completed"
    assert (work / "last.txt").exists()


def test_text_that_looks_like_markup_ends_no_run(serve: Serve) -> None:
    assert serve([bash("printf '[/red] [/INST]'")], [DONE]).done()["status"] == "completed"


def test_results_are_copied_where_they_were_asked_for(serve: Serve, work: Path) -> None:
    server = serve([create(str(work / "new.py"))], [DONE])
    server.done(trajectory_file="out/t.json", patch_path=str(work / "p.diff"))

    assert json.loads((work / "out" / "t.json").read_text())["success"] is True
    assert "new.py" in (work / "p.diff").read_text()


def test_a_result_is_not_written_through_a_link_that_the_agent_made(
    serve: Serve, work: Path, tmp_path: Path
) -> None:
    server = serve([bash(f"ln -s {tmp_path} out")], [DONE])
    task = server.done(trajectory_file="out/t.json")
    warnings = server.get(f"/api/tasks/{task['task_id']}/status")["messages"]

    assert not (tmp_path / "t.json").exists()
    assert any(event["type"] == "warning" for event in warnings)


def test_only_the_end_of_a_console_is_searched_for_a_cause(tmp_path: Path) -> None:
    console = tmp_path / "log"
    console.write_text("KeyError: 'early'\n" + "x\n" * TAIL)
    assert hint("it failed", console, Limits(), began=True) is None
    console.write_text("x\n" * TAIL + "KeyError: 'late'\n")

    assert hint("it failed", console, Limits(), began=True) == "The console says: KeyError: 'late'"
    assert hint("KeyError: 'late'", console, Limits(), began=True) is None
    assert hint("it failed", tmp_path / "none", Limits(), began=True) is None


def test_where_no_agent_began_the_last_line_of_the_console_says_why(tmp_path: Path) -> None:
    console = tmp_path / "log"
    console.write_text("pulling\nCannot connect to the daemon.\n\n")

    assert (
        hint("it failed", console, Limits(), began=False) == "The console says: Cannot connect to the daemon."
    )
    assert hint("it failed", console, Limits(), began=True) is None
    assert hint("it failed", tmp_path / "none", Limits(), began=False) is None


def test_long_texts_are_cut_at_any_depth() -> None:
    assert shortened({"a": [{"b": "x" * 10}], "c": 1}, 4) == {
        "a": [{"b": "xxxx… (6 more characters: see the trajectory)"}],
        "c": 1,
    }
