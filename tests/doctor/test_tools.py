from collections.abc import Callable
from typing import Any

import pytest

from idetour.doctor import Road, tools
from idetour.doctor.tools import assembled, fault
from idetour.errors import SetupError
from upstream import Upstream, call, stream

CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
}


def test_the_demo_goes_there_and_back(led: Callable[..., Road]) -> None:
    [finding] = tools.HOP.look(led())

    assert (finding.state, finding.text) == ("ok", "demo/tools: a tool is called, and its result is taken")


def test_a_model_is_sent_its_call_and_the_result(led: Callable[..., Road], upstream: Upstream) -> None:
    upstream.then(stream(*call("get_weather", {"city": "Paris"})), stream("18 degrees"))
    [finding] = tools.HOP.look(led(model="m"))

    assert finding.state == "ok"
    last = upstream.requests[-1].json()["messages"]
    assert [each["role"] for each in last] == ["user", "assistant", "tool"]
    assert (last[1]["tool_calls"], last[2]["tool_call_id"]) == (
        [{**CALL, "function": {**CALL["function"], "arguments": '{"city": "Paris"}'}}],
        "call_1",
    )


def test_a_model_that_only_talks_is_a_note(led: Callable[..., Road]) -> None:
    [finding] = tools.HOP.look(led(model="m"))

    assert finding.state == "note"


def test_a_call_with_broken_arguments_is_broken(led: Callable[..., Road], upstream: Upstream) -> None:
    part = {"index": 0, "id": "c", "function": {"name": "get_weather", "arguments": '{"city":'}}
    upstream.then(stream({"tool_calls": [part]}))
    [finding] = tools.HOP.look(led(model="m"))

    assert finding.state == "broken"


@pytest.mark.parametrize(
    ("change", "finish", "words"),
    [
        ({}, "tool_calls", None),
        ({}, "stop", "finish_reason stop"),
        ({"id": None}, "tool_calls", "no id"),
        ({"function": {"name": "get_weather", "arguments": "{"}}, "tool_calls", "no JSON"),
        ({"function": {"name": "other", "arguments": "{}"}}, "tool_calls", "it calls 'other'"),
    ],
)
def test_what_an_agent_would_stumble_over(change: dict[str, Any], finish: str, words: str | None) -> None:
    found = fault({"tool_calls": [{**CALL, **change}]}, finish)

    assert found is None if words is None else words in str(found)


def test_a_part_without_an_index_belongs_nowhere() -> None:
    with pytest.raises(SetupError):
        assembled([{"delta": {"tool_calls": [{"id": "c"}]}}])
