"""What a model says, told as it comes to whoever listens to a task's token.

    begin    the answer has content, and no other attempt will be made unless it breaks
    delta    what one read brought: text, reasoning, pieces of a call, in the model's order
    end      before the client gets the last bytes

Made for a single request, and only while somebody listens. So that there is
something to hear, an answer that its client wants whole is then asked for as a
stream, and put together again.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, NamedTuple

from msgspec import Raw

from idetour.gateway.listener import Attentive
from idetour.gateway.news import News
from idetour.profile import Target
from idetour.wire import raw
from idetour.wire.assembly import answer_members, any_objects, as_text
from idetour.wire.chunks import Choice, Chunk, Stream
from idetour.wire.completion import Collector
from idetour.wire.messages_stream import has_plain
from idetour.wire.places import joined
from idetour.wire.raw import Fields
from idetour.wire.responses_stream import thoughts

HALF = re.compile(rb'[\\\x7f]u[dD][89abAB][0-9a-fA-F]{2}"$')  # ends a text inside an emoji


class Piece(NamedTuple):
    kind: Literal["reasoning", "text", "arguments"]
    said: Raw  # a string
    call: Any = None  # the number of the call whose arguments they are
    name: Raw = raw.EMPTY_TEXT  # of its tool; with its first piece


@dataclass(slots=True)
class Live:
    """Of one request, for a model asked by this name.

    `streams`: its client wants it whole, and it is asked for as a stream nevertheless. Whoever
    finds that the upstream refuses to stream takes it back.
    """

    news: News
    request: str  # its id
    model: str
    streams: bool
    _target: Target | None = None
    _open: bool = False
    _plain: bool = False  # thoughts came as plain text
    _pieces: list[Piece] = field(default_factory=list)

    def asks(self, target: Target) -> None:
        """An attempt begins."""
        self._target, self._plain = target, False

    def hear(self, choice: Choice) -> None:
        """A choice of a chunk, as the client gets it. Of several the first is told."""
        if choice.delta and not choice.index:
            self._plain = self._plain or has_plain(choice.delta)
            self._pieces += pieces(choice.delta, plain=self._plain)

    def whole(self, body: bytes) -> None:
        """A completion that came at once."""
        for choice in any_objects(raw.fields(raw.masked(body)).get("choices", raw.NULL))[:1]:
            message = answer_members(choice.get("message", raw.NULL))
            calls = any_objects(message.get("tool_calls", raw.NULL))
            numbered = [{"index": raw.of(number)} | call for number, call in enumerate(calls)]
            self._pieces += pieces(message | {"tool_calls": raw.part(numbered)}, plain=has_plain(message))
        self.begin(over=True)

    def begin(self, *, over: bool = False) -> None:
        """The answer is committed: what was heard of it is told. Once in an attempt. `over`: it is also complete."""
        if not self._open:
            self._open = True
            self._publish("begin", {"model": self.model, "target": str(self._target)})
        self.tell(over=over)

    def tell(self, *, over: bool = False) -> None:
        """Tell what was heard since the last time; nothing before the answer has begun."""
        if not self._open:
            return
        cut = not over and self._pieces and HALF.search(bytes(self._pieces[-1].said))
        held = [self._pieces.pop()] if cut else []
        for said in runs(self._pieces):
            self._publish("delta", said)
        self._pieces = held
        if over:
            self.end("ok")

    def end(self, outcome: str) -> None:
        """The answer, or the attempt at it, has ended. The first end counts; what never began has none."""
        self._pieces = []
        if self._open:
            self._open = False
            self._publish("end", {"outcome": outcome})

    def _publish(self, type: str, said: dict[str, Any]) -> None:
        self.news.publish(type, lambda: Raw(raw.mended(raw.line(said))), request=self.request)


class Told(Stream):
    """A stream of which each choice is heard."""

    def __init__(self, live: Live, **how: Any) -> None:
        super().__init__(**how)
        self.live = live

    def _watch(self, choice: Choice) -> None:
        super()._watch(choice)
        self.live.hear(choice)


class ToldRelay(Told, Attentive):
    """Tells what a read brought before the client gets it."""

    def _written(self, chunks: Iterator[Chunk]) -> bytes:
        out = super()._written(chunks)
        self.live.tell(over=self.done)
        return out


class ToldCollector(Told, Collector):
    """Tells what a read brought, although the client waits for all of it."""

    def feed(self, data: bytes) -> None:
        super().feed(data)
        if self.content and not self.error:
            self.live.begin()

    def result(self) -> bytes:
        body = super().result()
        self.live.begin(over=True)
        return body


def pieces(delta: Fields, *, plain: bool) -> Iterator[Piece]:
    """What a delta or a message says, in the order in which models say it."""
    for thought in thoughts(delta, plain=plain):
        yield Piece("reasoning", thought)
    for key in ("content", "refusal"):
        if raw.has_text(said := as_text(delta.get(key, raw.NULL))):
            yield Piece("text", said)
    calls = any_objects(delta.get("tool_calls", raw.NULL))
    if "function_call" in delta:
        calls.append({"function": delta["function_call"]})
    for call in calls:
        yield from called(call)


def called(call: Fields) -> Iterator[Piece]:
    """A piece of a call: of a function's arguments, or of what a custom tool is given."""
    for key, member in (("function", "arguments"), ("custom", "input")):
        inner = answer_members(call.get(key, raw.NULL))
        name, said = inner.get("name", raw.NULL), inner.get(member, raw.NULL)
        if raw.has_text(name) or raw.has_text(said):
            number = raw.value(call.get("index", Raw(b"0")))
            yield Piece("arguments", said if raw.is_text(said) else raw.EMPTY_TEXT, number, name)


def runs(said: Iterable[Piece]) -> Iterator[dict[str, Any]]:
    """Pieces of one kind that follow each other as one, as they are told."""
    for (kind, call), run in groupby(said, key=lambda piece: (piece.kind, piece.call)):
        together = [*run]
        name = next((each.name for each in together if raw.has_text(each.name)), None)
        about = {} if call is None else {"call": call} | ({} if name is None else {"name": name})
        yield about | {kind: joined([each.said for each in together])}
