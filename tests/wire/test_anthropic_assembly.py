"""A message that was streamed, put together again: what Anthropic would have said at once."""

import json
from typing import Any

import pytest

from endpoints.claude import SAID, THOUGHT, USE, claude
from idetour.wire import raw
from idetour.wire.anthropic_assembly import MessageAssembly

HIDDEN = {"type": "redacted_thinking", "data": "Sealed=="}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result"}],
}


def whole(*events: dict[str, Any]) -> Any:
    assembly = MessageAssembly()
    for event in events:
        assembly.add(json.dumps(event).encode())
    return json.loads(raw.encode(assembly.whole()))


def delta(**said: object) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": said}


def begun(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [claude()[0], {"type": "content_block_start", "index": 0, "content_block": block}]


def test_blocks_are_as_they_were_said() -> None:
    started = [
        {"type": "content_block_start", "index": n, "content_block": each}
        for n, each in enumerate((HIDDEN, FOUND))
    ]
    said = claude(THOUGHT, SAID, USE, SEARCH, stop="tool_use")
    message = whole(*said[:-2], *started, *said[-2:])

    assert message["content"] == [THOUGHT, SAID, USE, SEARCH, HIDDEN, FOUND]
    assert (message["id"], message["model"], message["stop_reason"]) == ("msg_up", "claude-up", "tool_use")


def test_numbers_of_tokens_are_totals_and_those_that_are_not_told_again_stay() -> None:
    assert whole(*claude(SAID))["usage"] == {
        "input_tokens": 12,
        "cache_read_input_tokens": 1024,
        "cache_creation_input_tokens": 0,
        "output_tokens": 57,
    }


def test_text_goes_on_and_citations_are_listed() -> None:
    pieces: list[dict[str, Any]] = [
        {"text": "b"},
        {"citation": {"n": 1}},
        {"text": "c"},
        {"citation": {"n": 2}},
    ]
    events = [
        *begun({"type": "text", "text": "a", "citations": None}),
        *(delta(type="t", **each) for each in pieces),
    ]

    assert whole(*events)["content"] == [{"type": "text", "text": "abc", "citations": [{"n": 1}, {"n": 2}]}]


def test_members_that_nobody_here_knows_are_kept() -> None:
    events = [
        *begun({"type": "compaction", "content": None}),
        delta(type="compaction_delta", content="short"),
    ]
    ended = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "container": {"id": "c"}},
        "new": [1],
    }
    message = whole(*events, ended)

    assert message["content"] == [{"type": "compaction", "content": "short"}]
    assert (message["container"], message["new"]) == ({"id": "c"}, [1])


def test_what_an_event_leaves_out_or_calls_null_stays() -> None:
    started = claude()[0]
    started["message"]["container"] = {"id": "c"}

    assert whole(started, {"type": "message_delta", "delta": {"container": None}})["container"] == {"id": "c"}


@pytest.mark.parametrize(
    ("pieces", "input"), [([""], {}), (['{"a": ', "1}"], {"a": 1}), (['{"a": "b'], {"_raw": '{"a": "b'})]
)
def test_a_call_without_input_has_an_object_and_one_that_broke_off_what_came(
    pieces: list[str], input: Any
) -> None:
    use = {"type": "tool_use", "id": "t", "name": "ls", "input": {}}
    events = [*begun(use), *(delta(type="input_json_delta", partial_json=each) for each in pieces)]

    assert whole(*events)["content"] == [use | {"input": input}]


def test_pings_and_events_of_another_kind_say_nothing() -> None:
    assert whole(*claude(SAID), {"type": "ping"}, {"type": "later", "delta": {"x": 1}}) == whole(
        *claude(SAID)
    )
