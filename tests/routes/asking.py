"""Requests as IDEs send them, in as few words as a test needs."""

import json
from datetime import datetime
from typing import Any

from idetour.routes.asked import Asked
from idetour.wire import chat

type Message = dict[str, Any]

RESULT: Message = {"role": "tool", "tool_call_id": "1", "content": "a traceback, a bug, 报错"}
CALL: Message = {
    "role": "assistant",
    "tool_calls": [{"id": "1", "function": {"name": "read", "arguments": "{}"}}],
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * 1000}}


def user(content: Any) -> Message:
    return {"role": "user", "content": content}


def tool(name: str) -> Message:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def asks(
    *said: str | Message,
    tools: tuple[str, ...] = (),
    path: str = "/v1/chat/completions",
    access: str = "",
    at: datetime = datetime(2026, 3, 6, 12, 0),  # a Friday
    headers: dict[str, str] | None = None,
    **fields: Any,
) -> Asked:
    """A request with these messages; a text is a user's. `tools` are names."""
    messages = [user(each) if isinstance(each, str) else each for each in said]
    body = {"model": "r", "messages": messages, **fields}
    if tools:
        body["tools"] = [tool(name) for name in tools]
    request = chat.read(json.dumps(body, ensure_ascii=False).encode())
    return Asked(request=request, path=path, headers=headers or {}, access=access, at=at)
