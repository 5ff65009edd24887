"""Anthropic's SDK, what it sends, and what Claude answers."""

import json
from typing import Any

import anthropic

HI: list[Any] = [{"role": "user", "content": "hi"}]
LS: Any = {
    "name": "ls",
    "description": "list",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
}
WELL: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": HI}


def client(port: int, base: str = "", **how: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"http://127.0.0.1:{port}{base}", api_key="typed", max_retries=0, **how
    )


def events(*said: dict[str, Any]) -> bytes:
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in said)


def claude(*blocks: dict[str, Any], stop: str = "end_turn") -> list[dict[str, Any]]:
    """An answer of Anthropic's, as its events."""
    message = {"id": "msg_up", "type": "message", "role": "assistant", "model": "claude-up", "content": []}
    usage = {
        "input_tokens": 12,
        "cache_read_input_tokens": 1024,
        "cache_creation_input_tokens": 0,
        "output_tokens": 1,
    }
    made: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage},
        }
    ]
    for index, block in enumerate(blocks):
        made += block_events(index, block)
    delta = {"stop_reason": stop, "stop_sequence": None}
    return [
        *made,
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 57}},
        {"type": "message_stop"},
    ]


def block_events(index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    """One block: empty at its start, and then what it says."""
    empty: dict[str, Any]
    if block["type"] == "text":
        empty, deltas = {"text": ""}, [{"type": "text_delta", "text": block["text"]}]
    elif block["type"] == "thinking":
        empty = {"thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    else:
        empty = {"input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    return [
        {"type": "content_block_start", "index": index, "content_block": {**block, **empty}},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


THOUGHT = {"type": "thinking", "thinking": "List first.", "signature": "Sig=="}
SAID = {"type": "text", "text": "Let me look."}
USE = {"type": "tool_use", "id": "toolu_01", "name": "ls", "input": {"path": "/"}}
