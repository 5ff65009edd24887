"""Requests for `/v1/responses`, by hand and with tools."""

import json
from typing import Any

from endpoints.talk import Answer, ask
from upstream import Upstream

LS: Any = {
    "type": "function",
    "name": "ls",
    "description": "List files",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
}
PATCH: Any = {"type": "custom", "name": "apply_patch", "description": "Edits files"}


def post(port: int, path: str = "/v1/responses", /, **fields: Any) -> Answer:
    return ask(port, "POST", path, json.dumps({"model": "m", "input": "Hi"} | fields).encode())


def sent(upstream: Upstream) -> Any:
    """The last body that the upstream was asked with."""
    return [request for request in upstream.requests if request.method == "POST"][-1].json()
