"""What Claude thought and signed precedes its calls, byte for byte, or it would be refused."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.asking import Asked, Listener, pipelining
from gateway.thinking import TOOLS, Delta, history
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.wire import chat, messages
from upstream import Upstream, event, objecting, raw_stream, whole

BLOCKS = [
    {"type": "thinking", "thinking": "List first.", "signature": "EqQBCkYIBxgCKkDf+/9aQ=="},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p"},
]
USE = {"type": "tool_use", "id": "toolu_01", "name": "ls", "input": {"path": "."}}
CLAUDES = {"id": "toolu_01", "type": "function", "function": {"name": "ls", "arguments": '{"path":"."}'}}


def told(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\n".encode() + event({"type": kind, **members})


def claude(request: Any) -> Any:
    """Thinks, signs and calls a tool; streamed or whole. Refuses calls whose thoughts are gone, as Anthropic does."""
    body = request.json()
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        kinds = [block["type"] for block in blocks]
        if (
            message["role"] == "assistant"
            and body.get("thinking")
            and "tool_use" in kinds
            and blocks[:2] != BLOCKS
        ):
            return objecting(lambda _: "Expected `thinking`, but found `tool_use`")(request)
    about = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    if not body["stream"]:
        return whole({**about, "content": [*BLOCKS, USE], "stop_reason": "tool_use"})
    start = told("message_start", message={**about, "content": [], "stop_reason": None})
    deltas = [
        told(
            "content_block_start",
            index=0,
            content_block={"type": "thinking", "thinking": "", "signature": ""},
        ),
        *(
            told("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": text})
            for text in ("List ", "first.")
        ),
        told(
            "content_block_delta",
            index=0,
            delta={"type": "signature_delta", "signature": BLOCKS[0]["signature"]},
        ),
        told("content_block_stop", index=0),
        told("content_block_start", index=1, content_block=BLOCKS[1]),
        told("content_block_stop", index=1),
        told("content_block_start", index=2, content_block={**USE, "input": {}}),
        told(
            "content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"path":"."}'}
        ),
        told("content_block_stop", index=2),
        told("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 9}),
        told("message_stop"),
    ]
    return raw_stream(start, *deltas)


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-5"], ids=["budget", "adaptive"])
def test_claudes_signature_comes_back_byte_for_byte(
    profiles: Callable[..., Profile], upstream: Upstream, model: str, streams: bool
) -> None:
    upstream.always(claude)
    profile = profiles(
        f"upstreams: {{anthropic: {{url: '{upstream.origin}', key: $KEY}}}}\nmodels: {{m: anthropic/{model}}}",
        KEY="k",
    )
    turns = [[{"role": "user", "content": "hi"}], history(CLAUDES)]
    asked = [
        Asked(
            profile, stream=streams, fields={"messages": each, "tools": TOOLS, "reasoning_effort": "medium"}
        )
        for each in turns
    ]

    async def run() -> None:
        async with pipelining() as shared:
            for each in asked:
                await each.through(shared)

    asyncio.run(run())
    body = upstream.requests[1].json()
    assert [each.client.status for each in asked] == [200, 200]
    assert len(upstream.requests) == 2
    assert body["thinking"]["type"] in ("enabled", "adaptive")
    assert body["messages"][1]["content"] == [*BLOCKS, USE]


def test_nor_do_claudes_own_clients_have_to_keep_it(
    profiles: Callable[..., Profile], upstream: Upstream
) -> None:
    """Messages to Messages: the request goes on as it came, but for the thoughts that it lacks."""
    upstream.always(claude)
    profile = profiles(
        f"upstreams: {{anthropic: {{url: '{upstream.origin}', key: $KEY}}}}\n"
        "models: {m: anthropic/claude-sonnet-4-5}",
        KEY="k",
    )
    result = {"type": "tool_result", "tool_use_id": "toolu_01", "content": "a.py"}
    turns: list[Delta] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "Look:"}, USE]},
        {"role": "user", "content": [result]},
    ]
    budget = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    sent: list[Delta] = [
        {**budget, "messages": turns[:1]},
        {**budget, "messages": turns},
        {**budget, "messages": [turns[0], {"role": "assistant", "content": [*BLOCKS, USE]}, turns[2]]},
        {"messages": turns},
    ]

    async def run() -> None:
        async with pipelining() as shared:
            for body in sent:
                whole_body = {"model": "m", "max_tokens": 2048, "stream": True, **body}
                request = messages.translate(chat.read(json.dumps(whole_body).encode()))
                record = Record(asked="m", door="direct")
                await shared.chat(profile, request, Listener(), key=None, record=record)
                assert record.outcome == "ok"

    asyncio.run(run())
    said = [request.json()["messages"] for request in upstream.requests]
    assert said[1] == [turns[0], {"role": "assistant", "content": [*BLOCKS, *turns[1]["content"]]}, turns[2]]
    assert said[2] == sent[2]["messages"]
    assert said[3] == turns
