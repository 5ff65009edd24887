"""An idetour with an upstream of each protocol, and somebody who listens to a task's token."""

import json
from typing import Any

from endpoints.admin.owning import Listening
from endpoints.talk import Answer, ask

ASK: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}),
    "messages": ("/v1/messages", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 99}),
    "responses": ("/v1/responses", {"input": "hi", "include": ["reasoning.encrypted_content"]}),
}


def asked(port: int, client: str, grant: dict[str, Any], **fields: Any) -> Answer:
    path, body = ASK[client]
    sent = json.dumps(body | fields).encode()
    return ask(port, "POST", path, sent, authorization=f"Bearer {grant['token']}")


def listen(port: int, grant: dict[str, Any]) -> Listening:
    return Listening(port, f"/admin/api/tokens/said?id={grant['id']}")


def told(line: Listening) -> list[Any]:
    """Of one answer, to its end."""
    heard = [line.event()[1]]
    while heard[-1]["type"] != "end":
        heard.append(line.event()[1])
    return heard
