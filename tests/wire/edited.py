"""Answers that pass a relay with edits, and what a client makes of them.

The cases in tests/golden/wire/think and …/repair are a model's text, a line of
dashes, and the message that it becomes.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from idetour.wire.chunks import Relay
from idetour.wire.completion import Collector
from idetour.wire.edits import Edits
from idetour.wire.repair_types import offered
from idetour.wire.sse import DONE

FOLDER = Path(__file__).parent.parent / "golden" / "wire"
DASHES = "\n" + 40 * "-" + "\n"


def tool(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [
    tool("ls"),
    tool(
        "read",
        path={"type": "string"},
        lines={"type": "integer"},
        raw={"type": "boolean"},
        only={"anyOf": [{"type": "array"}, {"type": "null"}]},
        limit={"type": ["number", "string"]},
        mode={"type": ["string", "null"]},
    ),
    tool("write", path={"type": "string"}, text={"type": "string"}),
]
OFFERED = offered(json.dumps(TOOLS).encode())


def cases(kind: str) -> pytest.MarkDecorator:
    """Each with its text and the message."""
    texts = {
        path.stem: path.read_bytes().decode().split(DASHES) for path in sorted((FOLDER / kind).glob("*.txt"))
    }
    found = {name: (text, json.loads(message)) for name, (text, message) in texts.items()}
    return pytest.mark.parametrize(("text", "message"), found.values(), ids=found.keys())


def cut(text: str) -> st.SearchStrategy[list[str]]:
    """The text in pieces, cut anywhere."""
    places = st.lists(st.integers(0, len(text)), max_size=12)
    return places.map(lambda at: [text[a:b] for a, b in pairwise([0, *sorted(at), len(text)])])


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c", "created": 1, "choices": [choice]}).encode() + b"\n\n"


def stream(*said: str | dict[str, Any], finish: str | None = "stop") -> bytes:
    """What an upstream says, as text or as deltas."""
    deltas = [{"content": each} if isinstance(each, str) else each for each in said]
    end = chunk({}, finish) if finish else b""
    return b"".join([chunk({"role": "assistant", "content": ""}), *map(chunk, deltas), end, DONE])


def relayed(said: bytes, edits: Edits) -> bytes:
    """What the client gets."""
    relay = Relay(model="asked", include_usage=True, id="chatcmpl-ours", created=1, edits=edits)
    return relay.feed(said) + relay.end()


def put_together(said: bytes) -> Any:
    """A stream's choice, as a whole answer has it."""
    collector = Collector(model="asked", id="chatcmpl-ours", created=1)
    collector.feed(said)
    return json.loads(collector.result())["choices"][0]


def brief(choice: Any) -> dict[str, Any]:
    """What a message says, without what is the same in all."""
    message = choice["message"]
    calls = [
        [call["function"]["name"], call["function"]["arguments"]] for call in message.get("tool_calls", ())
    ]
    told = {key: message[key] for key in ("reasoning_content", "content") if message.get(key)}
    return told | ({"calls": calls} if calls else {}) | {"finish": choice["finish_reason"]}


def told(*said: str | dict[str, Any], edits: Edits, finish: str | None = "stop") -> dict[str, Any]:
    return brief(put_together(relayed(stream(*said, finish=finish), edits)))
