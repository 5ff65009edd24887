"""Damaged streams by the thousand, through every machine, to every client.

No machine may crash, and however badly an upstream behaves, a client sees its
own protocol up to a good end or an error. IDETOUR_FUZZ says how many streams
(default 10,000), IDETOUR_FUZZ_FROM with which to begin: the failing one is named.
"""

import json
import os
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import pytest

from idetour.errors import RequestError, UpstreamError, openai_event
from idetour.wire import anthropic_stream, ollama_answer, responses_tools, responses_up_stream, sse
from idetour.wire.chunks import Relay
from idetour.wire.completion import Collector
from idetour.wire.edits import Edits
from idetour.wire.messages_stream import MessageStream
from idetour.wire.raw import of
from idetour.wire.responses_object import Frame
from idetour.wire.responses_stream import Teller
from wire.edited import DASHES, FOLDER, OFFERED, stream
from wire.messages_golden import well_formed

MANY = int(os.environ.get("IDETOUR_FUZZ", "10000"))
FIRST = int(os.environ.get("IDETOUR_FUZZ_FROM", "0"))
ODD = [
    b"null", b"{}", b"[]", b'""', b"0", b"-1", b"true", b"1e999", b"\\ud83d", b"\xff", b"\x7f", b"\n\n", b"\r", b"\n",
    b"data: ", b"data: [DONE]\n\n", b"event: error\n", b'{"error":"x"}', b'data: {"error":{"message":"x"}}\n\n',
    b"<think>", b"</think>", b"<tool_call>", b"</tool_call>", b"```json\\n", b'{\\"name\\":\\"ls\\",\\"arguments\\":{}}',
    b'"tool_calls":[{"index":0}]', b'"tool_calls":[{"index":"9","id":null,"function":{"name":"f","arguments":{}}}],',
    b'"finish_reason":"stop"', b'"finish_reason":""', b'"delta":null', b'"index":7', b"[" * 3000, b": comment\n\n",
]  # fmt: skip


def texts(*under: str) -> list[bytes]:
    """What the golden cases' upstreams send."""
    paths = sorted(Path(FOLDER, *under).glob("*.txt"))
    return [path.read_bytes().split(DASHES.encode())[0] + b"\n\n" for path in paths]


def written(kind: str) -> list[bytes]:
    """Texts of models, as streams of pieces."""
    said = [each.decode().removesuffix("\n\n") for each in texts(kind)]
    return [stream(*(text[at : at + 7] for at in range(0, len(text), 7))) for text in said]


class Machine(Protocol):
    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes: ...


class Chat:
    """An upstream that speaks it already."""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


CARRIED = "messages, carried"
CHAT = texts() + written("think") + written("repair")
UPSTREAMS: dict[str, tuple[Callable[[], Machine], list[bytes]]] = {
    "chat": (Chat, CHAT),
    "messages": (anthropic_stream.ChatStream, texts("messages", "chat_stream")),
    CARRIED: (lambda: anthropic_stream.ChatStream(carry=True), texts("messages", "chat_stream")),
    "responses": (responses_up_stream.ChatStream, texts("responses_up", "streams")),
    "ollama": (ollama_answer.ChatStream, texts("ollama", "streams")),
}


def damaged(seeds: list[bytes], dice: random.Random) -> bytes:
    """One of the streams, with a few things wrong with it."""
    made = bytearray(dice.choice(seeds))
    for _ in range(dice.randint(0, 4)):
        a, b = sorted((dice.randint(0, len(made)), dice.randint(0, len(made))))
        match dice.randint(0, 6):
            case 0:
                made[a : a + dice.randint(1, 40)] = b""
            case 1:
                made[a:a] = dice.choice(ODD)
            case 2:
                made[a:a] = made[a : min(b, a + 400)]
            case 3:
                del made[b:]
            case 4:
                other = dice.choice(seeds)
                made[a:b] = other[dice.randint(0, len(other)) :]
            case 5:
                events = bytes(made).split(b"\n\n")
                dice.shuffle(events)
                made = bytearray(b"\n\n".join(events))
            case 6:
                values = [b'"a"', b"null", *ODD[:8]]
                made = bytearray(
                    bytes(made).replace(dice.choice(values), dice.choice(values), dice.randint(1, 3))
                )
    return bytes(made)


def cut(data: bytes, dice: random.Random) -> list[bytes]:
    places = sorted(dice.randint(0, len(data)) for _ in range(dice.randint(0, 6)))
    return [data[a:b] for a, b in pairwise([0, *places, len(data)])]


def edits(dice: random.Random) -> Edits | None:
    if dice.random() < 0.3:
        return None
    think = dice.choice([None, "inline", "opened"])
    return Edits(think=think, offered=dice.choice([None, OFFERED]), cumulative=dice.random() < 0.1)  # type: ignore[arg-type]


def through(
    machine: Machine, pieces: list[bytes], feed: Callable[[bytes], object], end: Callable[[], object]
) -> None:
    """As the transport and the gateway do it. Raises UpstreamError where an event is too long."""
    for piece in pieces:
        if data := machine.feed(piece):
            feed(data)
    feed(machine.end())
    end()


def relayed(machine: Machine, pieces: list[bytes], relay: Relay) -> bytes:
    """What the gateway writes to its client."""
    out: list[bytes] = []
    error: RequestError | None = None
    try:
        through(machine, pieces, lambda data: out.append(relay.feed(data)), lambda: out.append(relay.end()))
    except UpstreamError as failed:
        error = failed
    if error := error or relay.error:
        out.append(openai_event(error))
    return b"".join(out)


def chat_is_well_formed(out: bytes) -> None:
    events = out.split(b"\n\n")
    assert events.pop() == b""
    read = [json.loads(each.removeprefix(b"data: ")) for each in events if each != b"data: [DONE]"]
    failed = bool(read and read[-1].get("error"))
    assert events.count(b"data: [DONE]") == (0 if failed else 1)
    assert failed or events[-1] == b"data: [DONE]"
    for chunk in read[:-1] if failed else read:
        assert (chunk["model"], chunk["object"]) == ("asked", "chat.completion.chunk")
        for choice in chunk["choices"]:
            calls_are_well_formed(choice)


def calls_are_well_formed(choice: Any) -> None:
    assert isinstance(choice["delta"], dict)
    for piece in choice["delta"].get("tool_calls") or ():
        if isinstance(piece, dict):
            assert isinstance(piece["index"], int)
            assert "id" not in piece or isinstance(piece["id"], str)
            arguments = (piece.get("function") or {}).get("arguments", "")
            assert isinstance(arguments, str)


def to_chat(machine: Machine, pieces: list[bytes], edits: Edits | None) -> None:
    relay = Relay(model="asked", include_usage=True, id="chatcmpl-x", created=1, edits=edits)
    chat_is_well_formed(relayed(machine, pieces, relay))


def to_messages(machine: Machine, pieces: list[bytes], edits: Edits | None) -> None:
    relay = Relay(model="asked", include_usage=True, id="chatcmpl-x", created=1, edits=edits)
    client = MessageStream(model="asked", id="msg_x")
    assert well_formed(client.feed(relayed(machine, pieces, relay)) + client.end(), empty=True)


def to_responses(machine: Machine, pieces: list[bytes], edits: Edits | None) -> None:
    relay = Relay(model="asked", include_usage=True, id="chatcmpl-x", created=1, edits=edits)
    client = Teller(Frame("resp_1", {"model": of("m")}), responses_tools.read({}))
    out = client.feed(relayed(machine, pieces, relay)) + client.end()
    events = [json.loads(each.data) for each in sse.Reader(limit=1 << 26).feed(out)]
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    assert events[-1]["type"] in ("response.completed", "response.incomplete", "response.failed")
    assert sum(each["type"] == events[-1]["type"] for each in events) == 1


def to_a_document(machine: Machine, pieces: list[bytes], edits: Edits | None) -> None:
    collector = Collector(model="asked", id="chatcmpl-x", created=1, edits=edits)
    try:
        through(machine, pieces, collector.feed, collector.end)
        body = json.loads(collector.result())
    except UpstreamError:
        return
    for choice in body["choices"]:
        assert choice["finish_reason"] != ""
        for call in choice["message"].get("tool_calls") or ():
            assert isinstance(call["id"], str)


CLIENTS = {"chat": to_chat, "messages": to_messages, "responses": to_responses, "whole": to_a_document}
# Events are carried only to a client that speaks the same.
WAYS = [(one, other) for one in UPSTREAMS for other in CLIENTS if one != CARRIED or other == "messages"]


@pytest.mark.parametrize(("upstream", "client"), WAYS)
def test_a_damaged_stream_has_a_well_formed_end(upstream: str, client: str) -> None:
    make, seeds = UPSTREAMS[upstream]
    for number in range(FIRST, FIRST + MANY // len(WAYS) + 1):
        dice = random.Random(f"{upstream} {number}")
        pieces = cut(damaged(seeds, dice), dice)
        try:
            CLIENTS[client](make(), pieces, edits(dice) if upstream == "chat" else None)
        except BaseException as failure:
            failure.add_note(f"IDETOUR_FUZZ_FROM={number}: {b''.join(pieces)!r}")
            raise
