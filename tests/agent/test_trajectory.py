"""The trajectory is read while it is being rewritten."""

import json
from pathlib import Path
from typing import Any

from idetour.agent.trajectory import Tail, beside_the_end


def interaction(text: str) -> dict[str, Any]:
    return {"response": {"content": text, "tool_calls": None, "usage": {"input_tokens": 1}}}


def step(number: int, **more: Any) -> dict[str, Any]:
    return {"step_number": number, "tool_calls": None, "tool_results": None, "error": None, **more}


def state(*interactions: dict[str, Any], steps: list[dict[str, Any]]) -> str:
    return json.dumps({"llm_interactions": interactions, "agent_steps": steps, "success": False})


def types(tail: Tail) -> list[str]:
    return [type for type, _ in tail.look()]


def test_each_look_tells_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    tail = Tail(path, 1 << 20)
    assert types(tail) == []
    path.write_text(state(steps=[]))
    assert types(tail) == []
    path.write_text(state(interaction("a"), steps=[]))
    assert types(tail) == ["step.started", "llm.response"]
    path.write_text(state(interaction("a"), steps=[step(1, tool_calls=[{}], tool_results=[{}])]))
    assert types(tail) == ["tool.calls", "tool.results", "step.completed"]
    assert types(tail) == []


def test_what_is_seen_at_once_comes_in_order(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(state(interaction("a"), interaction("b"), steps=[step(1), step(2)]))

    assert types(Tail(path, 1 << 20)) == ["step.started", "llm.response", "step.completed"] * 2


def test_a_step_that_failed_before_its_answer_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(state(steps=[step(1, error="no answer")]))

    assert Tail(path, 1 << 20).look() == [("step.completed", {"step": 1, "error": "no answer"})]


def test_cut_at_any_byte_it_waits_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    whole = state(interaction("é"), steps=[step(1)]).encode()
    tail = Tail(path, 1 << 20)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert tail.look() == []
    path.write_bytes(whole)

    assert len(tail.look()) == 3


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(state(interaction("a" * 1000), steps=[]))
    tail = Tail(path, 100)

    assert (tail.look(), tail.too_long) == ([], True)


def test_calls_that_were_dropped_are_told(tmp_path: Path) -> None:
    calls = [{"name": "bash"}, {"name": "task_done"}]
    path = tmp_path / "t.json"
    path.write_text(state(interaction("a"), steps=[step(1, llm_response={"tool_calls": calls})]))
    told = dict(Tail(path, 1 << 20).look())

    assert "bash" in told["warning"]["message"]
    assert beside_the_end([{"name": "task_done"}]) == []
    assert beside_the_end([{"name": "bash"}]) == []
