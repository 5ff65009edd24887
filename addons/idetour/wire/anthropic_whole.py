"""A whole message of Anthropic's as a Chat completion."""

from typing import Any

from msgspec import Raw

from idetour.wire import messages_ends, raw
from idetour.wire.assembly import any_objects
from idetour.wire.messages_stream import CLAUDE, NATIVE
from idetour.wire.places import joined
from idetour.wire.turns import string


def completion(body: bytes, *, created: int, carry: bool = False) -> bytes:
    """The message as a completion, made at `created` (Unix time); anything else as it came, for whoever looks for errors in it.

    `carry`: the message itself goes along in the member NATIVE.
    """
    try:
        fields = raw.fields(body)
    except ValueError:
        return body
    if fields.get("type") != Raw(b'"message"'):
        return body
    said = _message(any_objects(fields.get("content", raw.NULL)))
    finish = messages_ends.TO_CHAT.get(string(fields.get("stop_reason", raw.NULL)), "stop")
    used = raw.value(fields.get("usage", raw.EMPTY_OBJECT))
    return raw.encode(
        {
            "id": fields.get("id", raw.EMPTY_TEXT),
            "object": "chat.completion",
            "created": created,
            "model": fields.get("model", raw.EMPTY_TEXT),
            "choices": [{"index": 0, "message": said, "finish_reason": finish}],
            "usage": messages_ends.chat_usage(used if isinstance(used, dict) else {}),
            **({NATIVE: fields} if carry else {}),
        }
    )


def _message(blocks: list[dict[str, Raw]]) -> dict[str, Any]:
    texts: list[Raw] = []
    thoughts: list[Raw] = []
    details: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for block in blocks:
        kind = string(block.get("type", raw.NULL))
        if kind == "text":
            texts.append(block.get("text", raw.EMPTY_TEXT))
        elif kind == "thinking":
            thoughts.append(block.get("thinking", raw.EMPTY_TEXT))
            if not raw.blank(sign := block.get("signature", raw.NULL)):
                details.append({"type": "reasoning.text", "text": thoughts[-1], "signature": sign})
        elif kind == "redacted_thinking":
            details.append({"type": "reasoning.encrypted", "data": block.get("data", raw.NULL)})
        elif kind == "tool_use":
            arguments = bytes(block.get("input", raw.EMPTY_OBJECT)).decode()
            function = {"name": block.get("name", raw.EMPTY_TEXT), "arguments": arguments}
            calls.append({"id": block.get("id", raw.NULL), "type": "function", "function": function})
    made: dict[str, Any] = {"role": "assistant", "content": joined(texts) if texts else None}
    if not raw.blank(whole := joined(thoughts)):
        made["reasoning_content"] = whole
    if details:
        made["reasoning_details"] = [
            each | {"format": CLAUDE, "index": index} for index, each in enumerate(details)
        ]
    if calls:
        made["tool_calls"] = calls
    return made
