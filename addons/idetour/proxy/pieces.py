"""A streamed answer, put together for people, as far as it has come, in whichever of the three protocols.

It may be looked at while it grows and after it broke, so an event that cannot be
read is counted and left out. `wire/assembly.py` is exact where this is quick:
that one makes what clients get, this one what people see, five times a second.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from idetour.errors import UpstreamError
from idetour.proxy.parts import Kind, Part, arguments, decoded, flat, joined, parts, word
from idetour.wire import sse

MOST_READ = 4 << 20  # bytes of a stream: fifty milliseconds
END_READ = 64 << 10  # bytes at its end, where the finish and the usage stand
MOST_UNREAD = 1000  # events that make no sense, until it is given up
DELTAS = ("text", "thinking", "partial_json")  # what a delta of Messages holds
SPOKEN: dict[str, Kind] = {  # members of a delta in Chat
    "content": "text",
    "refusal": "text",
    "reasoning_content": "thinking",
    "reasoning": "thinking",
}

_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Piece:
    """A part that grows. `choice` counts from 0."""

    kind: Kind
    name: str = ""
    id: str = ""
    choice: int = 0
    said: list[str] = field(default_factory=list)
    whole: list[Part] = field(default_factory=list)  # where it came in one

    def parts(self) -> list[Part]:
        text = "".join(self.said)
        if self.whole or not (text or self.kind == "call"):
            return self.whole
        return [Part(self.kind, arguments(text) if self.kind == "call" else text, self.name, self.id)]


@dataclass(slots=True)
class Stream:
    """`fault` is an error that was told within; `unread` counts what was not understood, `skipped` bytes."""

    pieces: dict[Hashable, Piece] = field(default_factory=dict)
    finish: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    fault: Any = None
    model: str = ""
    unread: int = 0
    skipped: int = 0

    def take(self, event: dict[str, Any]) -> None:
        kind = word(event, "type")
        if kind == "error" or (not kind and event.get("error")):
            self.fault = event.get("error") or event
        elif kind.startswith("response."):
            self._responses(kind, event)
        elif kind:
            self._messages(kind, event)
        else:
            self._chat(event)

    def at(self, key: Hashable, kind: Kind, **known: Any) -> Piece:
        """The part that a piece belongs to."""
        piece = self.pieces.get(key)
        if piece is None:
            piece = self.pieces[key] = Piece(kind, **known)
        return piece

    def _chat(self, event: dict[str, Any]) -> None:
        self.model = self.model or word(event, "model")
        self.usage = event.get("usage") or self.usage
        for choice in event.get("choices") or ():
            number = choice.get("index") or 0
            self.finish = choice.get("finish_reason") or self.finish
            for name, value in (choice.get("delta") or {}).items():
                if name == "tool_calls":
                    for called in value or ():
                        self._called(number, called)
                elif value and (said := SPOKEN.get(name)):
                    piece = self.at((number, said), said, choice=number)
                    piece.said.append(value if isinstance(value, str) else flat(value))

    def _called(self, choice: int, called: dict[str, Any]) -> None:
        inner = called.get("function") or called.get("custom") or {}
        place = called.get("index")
        if place is None:  # the newest, unless another begins
            calls = sum(piece.kind == "call" for piece in self.pieces.values())
            place = calls if called.get("id") else calls - 1
        piece = self.at((choice, "call", place), "call", choice=choice)
        piece.id, piece.name = piece.id or word(called, "id"), piece.name or word(inner, "name")
        piece.said.append(word(inner, "arguments") or word(inner, "input"))

    def _messages(self, kind: str, event: dict[str, Any]) -> None:
        match kind:
            case "message_start":
                message = event["message"]
                self.model, self.usage = word(message, "model"), message.get("usage") or {}
            case "content_block_start":
                self._begun(event["index"], event["content_block"])
            case "content_block_delta":
                delta = event["delta"]
                said = next((word(delta, name) for name in DELTAS if name in delta), "")
                self.at(event["index"], "text").said.append(said)
            case "message_delta":
                self.finish = word(event["delta"], "stop_reason") or self.finish
                self.usage = {**self.usage, **(event.get("usage") or {})}

    def _responses(self, kind: str, event: dict[str, Any]) -> None:
        if isinstance(response := event.get("response"), dict):
            self.model, self.usage = word(response, "model"), response.get("usage") or {}
            self.fault = response.get("error")
            self.finish = "" if response.get("status") == "in_progress" else word(response, "status")
        elif kind == "response.output_item.added":
            self._begun(event["output_index"], event["item"])
        elif kind == "response.output_item.done":
            self.at(event["output_index"], "note").whole = list(parts(event["item"]))
        elif isinstance(delta := event.get("delta"), str):
            self.at(event["output_index"], "thinking" if "reasoning" in kind else "text").said.append(delta)

    def _begun(self, key: Hashable, item: dict[str, Any]) -> None:
        """A block or an item: what it is stands at its beginning, and sometimes all of it."""
        first = next(iter(parts(item)), Part("text", ""))
        kind: Kind = "thinking" if "thinking" in word(item, "type") else first.kind
        piece = self.at(key, kind, name=first.name, id=joined(item))
        if kind != "call" and first.kind not in ("text", "thinking"):
            piece.whole = [first]


def stream(data: bytes) -> Stream:
    """What a stream says. Of one that is very long the middle is left out."""
    made = Stream()
    reader = sse.Reader(limit=len(data) + 1)
    if len(data) > MOST_READ + END_READ:
        end = data.find(b"\n\n", len(data) - END_READ) + 2
        made.skipped = end - MOST_READ
        pieces = [data[: data.rfind(b"\n\n", 0, MOST_READ) + 2], data[end:]]
    else:
        pieces = [data]
    try:
        events = [event for piece in pieces for event in reader.feed(piece)]
    except UpstreamError:
        events = []
    for event in events:
        if made.unread == MOST_UNREAD:
            break
        if event.data.strip() != b"[DONE]":
            made.unread += not read(event.data, made.take)
    for event in reader.close():  # half of it may still come
        read(event.data, made.take)
    return made


def read(data: bytes, take: Callable[[dict[str, Any]], None]) -> bool:
    """Whether an event could be read and taken."""
    try:
        take(decoded(data, _decode))
    except (ValueError, KeyError, TypeError, AttributeError):
        return False  # no JSON, or of a shape that no protocol has
    return True
