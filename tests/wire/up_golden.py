"""The cases of what is asked of upstreams in other protocols: what came, a line of dashes, what became of it.

requests   a Chat body; the body that goes out, or the sentence of the refusal
streams    what the upstream streams; Chat SSE
wholes     what it answers at once; a completion, or what is left as it is

They lie in tests/golden/wire/responses_up and …/ollama. Ids that are made up are written as `…`.
"""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from idetour.errors import BadRequest
from idetour.wire import chat, sse
from idetour.wire.chunks import Relay
from idetour.wire.raw import Fields

FOLDER = Path(__file__).parent.parent / "golden" / "wire"
DASHES = "\n" + 40 * "-" + "\n"
MADE_UP = re.compile(r"(?<=-|_)[0-9a-f]{24}\b")
CUTS = st.lists(st.integers(0, 5000), max_size=12)
DAMAGE = st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), max_size=6)


class Machine(Protocol):
    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


def cases(folder: str, kind: str) -> dict[str, tuple[str, str]]:
    paths = sorted((FOLDER / folder / kind).glob("*.txt"))
    texts = {path.stem: path.read_text("utf-8").split(DASHES) for path in paths}
    return {name: (given, wanted.rstrip("\n")) for name, (given, wanted) in texts.items()}


def each(folder: str, kind: str) -> pytest.MarkDecorator:
    found = cases(folder, kind)
    return pytest.mark.parametrize(("given", "wanted"), found.values(), ids=found.keys())


def written(given: str, write: Callable[[Fields], Fields]) -> str:
    """What becomes of a request, as the cases write it."""
    try:
        made = chat.write(write(chat.body_members(given.encode())))
    except BadRequest as error:
        return f"{error.param}: {error.message}"
    return json.dumps(json.loads(made), indent=1, ensure_ascii=False)


def told(machine: Machine, *pieces: bytes) -> str:
    """A stream through the machine."""
    made = b"".join([*(machine.feed(piece) for piece in pieces), machine.end()]).decode()
    return MADE_UP.sub("…", made)


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(each % (len(stream) + 1) for each in cuts), len(stream)]
    return [stream[start:stop] for start, stop in pairwise(places)]


def damaged(stream: bytes, damage: list[tuple[int, bytes]]) -> bytes:
    for place, piece in damage:
        at = place % (len(stream) + 1)
        stream = stream[:at] + piece + stream[at + len(piece) :]
    return stream


def relayed(stream: str) -> Relay:
    """What the gateway thinks of it, as of any upstream's."""
    relay = Relay(model="asked", include_usage=True, id="c", created=1)
    relay.feed(stream.encode())
    relay.end()
    return relay


def assembled(stream: str) -> dict[str, Any]:
    """The answer as OpenAI's SDK puts it together; every chunk has to be of its type."""
    relay = Relay(model="asked", include_usage=True, id="c", created=1)
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for event in sse.Reader().feed(relay.feed(stream.encode()) + relay.end()):
        if event.data != b"[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate_json(event.data))
    made = state.current_completion_snapshot.choices[0]
    return said(made.message.model_dump()) | {"finish": made.finish_reason}


def completed(body: bytes) -> dict[str, Any]:
    """The same of an answer that came whole."""
    made = ChatCompletion.model_validate_json(body).choices[0]
    return said(made.message.model_dump()) | {"finish": made.finish_reason}


def said(message: dict[str, Any]) -> dict[str, Any]:
    """What a message says, in whichever shape its calls are."""
    calls = [each.get("function") or each.get("custom") for each in message.get("tool_calls") or []]
    made = {"calls": [(each["name"], each.get("arguments") or each.get("input")) for each in calls]}
    known = ("content", "refusal", "reasoning_content")
    details = [each.get("data") for each in message.get("reasoning_details") or [] if each.get("data")]
    return made | {name: message.get(name) or "" for name in known} | {"sealed": details}
