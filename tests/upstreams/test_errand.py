"""The scripted agent: three calls, whatever they come to."""

from typing import Any

import pytest

from idetour.upstreams.errand import DONE, EDIT, PROGRAM, SHELL, next_call

ALL = [{"type": "function", "function": {"name": name}} for name in (SHELL, EDIT, DONE)]
TASK = "[Project root path]:\n/home/me/my project\n\n[Problem statement]: Write hello.py."


def conversation(text: Any, results: int) -> list[Any]:
    turns = [{"role": "assistant", "content": ""}, {"role": "tool", "tool_call_id": "1", "content": "x"}]
    return [{"role": "system", "content": "s"}, {"role": "user", "content": text}, *turns * results]


def test_it_writes_runs_and_is_done() -> None:
    calls = [next_call(conversation(TASK, results), ALL) for results in range(4)]

    assert [call and call.tool for call in calls] == [EDIT, SHELL, DONE, DONE]
    assert calls[0]
    assert calls[0].arguments == {
        "command": "create",
        "path": "/home/me/my project/hello.py",
        "file_text": PROGRAM,
    }


def test_without_a_root_it_writes_by_the_shell() -> None:
    call = next_call(conversation([{"type": "text", "text": "write it"}], 0), ALL)

    assert call
    assert (call.tool, PROGRAM in call.arguments["command"]) == (SHELL, True)


@pytest.mark.parametrize("tools", [None, [], "x", [None, {"function": None}], ALL[:1]])
def test_without_its_tools_it_has_no_errand(tools: Any) -> None:
    assert next_call(conversation(TASK, 0), tools) is None


def test_messages_of_any_shape_are_read() -> None:
    assert next_call([None, "x", {"role": "user", "content": [1, {"text": None}]}, {}], ALL)
