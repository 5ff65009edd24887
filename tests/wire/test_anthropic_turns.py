"""Whatever an IDE sends, Anthropic gets a conversation that it accepts."""

import json
import re
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idetour.wire import raw
from idetour.wire.anthropic_turns import translate

IDS = st.sampled_from(["c1", "functions.ls:0", "", "c2"])
TEXT = st.sampled_from(["", " ", "a", "b\n"])
CALLS = st.lists(
    st.builds(
        lambda id, arguments: {
            "id": id,
            "type": "function",
            "function": {"name": "ls", "arguments": arguments},
        },
        IDS,
        st.sampled_from(["{}", "", "{", '{"a":1}']),
    ),
    max_size=3,
)
ASSISTANT = st.builds(
    lambda text, calls: {"role": "assistant", "content": text, "tool_calls": calls}, TEXT | st.none(), CALLS
)
TOOL = st.builds(lambda id, text: {"role": "tool", "tool_call_id": id, "content": text}, IDS, TEXT)
SAID = st.builds(
    lambda role, text: {"role": role, "content": text}, st.sampled_from(["user", "system", "developer"]), TEXT
)
CONVERSATION = st.lists(ASSISTANT | TOOL | SAID, max_size=8)


@given(CONVERSATION, st.booleans())
def test_anthropics_rules_hold(conversation: list[dict[str, Any]], prefill: bool) -> None:
    made = translate(raw.of(conversation), prefill=prefill)
    turns = json.loads(raw.encode(made.turns))
    assert turns[0]["role"] == "user"
    assert prefill or turns[-1]["role"] == "user"
    assert all(one["role"] != other["role"] for one, other in pairwise(turns))
    blocks = [block for turn in turns for block in turn["content"]]
    assert all(block["text"].strip() for block in blocks if block["type"] == "text")
    ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", id) for id in ids)


@given(CONVERSATION)
def test_every_call_is_answered_at_the_beginning_of_the_next_turn(conversation: list[dict[str, Any]]) -> None:
    turns = json.loads(raw.encode(translate(raw.of(conversation), prefill=False).turns))
    for turn, after in pairwise([{"content": []}, *turns]):
        calls = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        results = [
            block["tool_use_id"] for block in after["content"][: len(calls)] if block["type"] == "tool_result"
        ]
        every = [block for block in after["content"] if block["type"] == "tool_result"]
        assert (sorted(results), len(every)) == (sorted(calls), len(calls))


@given(CONVERSATION)
def test_no_text_is_lost(conversation: list[dict[str, Any]]) -> None:
    made = translate(raw.of(conversation), prefill=False)
    said = raw.encode([made.system, made.turns])
    for message in conversation:
        if text := (message["content"] or "").strip():
            assert text.encode() in said


def test_whether_the_last_turn_with_calls_begins_with_a_thought_is_told() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    detail = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"}
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [call]},
    ]
    unsigned = translate(raw.of(turns), prefill=False)
    signed = translate(raw.of([*turns[:1], {**turns[1], "reasoning_details": [detail]}]), prefill=False)
    over = translate(raw.of([*turns, {"role": "assistant", "content": "Done."}]), prefill=False)
    assert (unsigned.signed, signed.signed, over.signed) == (False, True, True)
