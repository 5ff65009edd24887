"""A streamed Chat answer as the events of Anthropic's Messages.

    message_start                       with the first chunk; its input tokens are an estimate
    content_block_start, _delta, _stop  `messages_blocks`: one block at a time
    message_delta, message_stop         not at the finish_reason but at the stream's end: usage comes later
    error                               the end of an answer that broke; nothing follows

What one chunk says is told in the order in which models say it: thoughts,
text, refusal, calls. Pieces of text stay the bytes that came. A signature is
passed on where the upstream gave one, and never made up: Anthropic would refuse
the conversation in its next turn.

Where a chunk carries an event of Anthropic's own in its member NATIVE
(`anthropic_stream`), that goes on as it came but for the model's name, and the
rest of the chunk was only for the gateway.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Raw

from idetour.errors import openai_body
from idetour.wire import messages_ends, messages_errors, raw, sse
from idetour.wire.assembly import answer_members, any_objects, as_text
from idetour.wire.chunks import Chunk, Stream
from idetour.wire.messages_blocks import Blocks, event
from idetour.wire.turns import string

NATIVE = "x_anthropic"  # a chunk's or a completion's member that holds the event or the message itself
PLAIN = ("reasoning_content", "reasoning")
PING = event("ping")
CLAUDE = Raw(b'"anthropic-claude-v1"')  # the format of Anthropic's signatures, in OpenRouter's words


class MessageStream(Stream):
    """Feed it Chat SSE. `estimate` is of the input, in tokens; `names` and `stops` are of the request."""

    def __init__(
        self,
        *,
        model: str,
        id: str,
        estimate: int = 0,
        names: Mapping[str, str] = {},
        stops: Collection[str] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(model=model, include_usage=True, id=id, created=0)
        self.started = False
        self._ended = False
        self._model, self._id, self._estimate, self._stops = model, id, estimate, stops
        self._request_id = request_id
        self._blocks = Blocks(id=id.removeprefix("msg_"), names=names)
        self._matched: object = None
        self._plain = False  # thoughts came as plain text
        self._native = ""  # the type of the last event that was Anthropic's own

    def feed(self, data: bytes) -> bytes:
        """Chat SSE in, Messages SSE out; b"" where there is nothing to say yet."""
        return b"".join(self._told(self._feed(data)))

    def end(self) -> bytes:
        """The upstream's end of file: the end of the message, or an error where it broke off."""
        return b"".join(self._told(self._close()))

    def _told(self, chunks: Iterator[Chunk]) -> Iterator[bytes]:
        for chunk in chunks:
            if NATIVE in chunk.fields:
                yield self._relayed(chunk.fields[NATIVE])
            if self._native:
                continue
            yield from self._start()
            for choice, fields in zip(chunk.choices, any_objects(chunk.fields["choices"]), strict=True):
                if not choice.index:  # Messages has one answer
                    yield from self._say(choice.delta or {})
                    if raw.is_text(fields.get("stop_reason", raw.NULL)):  # vLLM: which sequence was met
                        self._matched = string(fields["stop_reason"])
        if self._ended or not (self.done or self.error):
            return
        self._ended = True
        if self.error:
            yield messages_errors.event(openai_body(self.error), self._request_id)
            return
        if self._native:
            if self._native != "message_stop":
                yield event("message_stop")
            return
        yield from self._start()
        yield from self._blocks.close()
        yield from self._stop()

    def _relayed(self, data: Raw) -> bytes:
        """An event of Anthropic's as it came."""
        fields = raw.fields(data)
        self._native = string(fields["type"])
        if self._native == "message_start":
            self.started = True
            fields["message"] = raw.of(raw.fields(fields["message"]) | {"model": raw.of(self._model)})
        return sse.encode(raw.encode(fields), self._native.encode())

    def _start(self) -> Iterator[bytes]:
        if self.started:
            return
        self.started = True
        yield event(
            "message_start",
            message=head(self._id, self._model, messages_ends.usage(raw.NULL, estimate=self._estimate)),
        )

    def _stop(self) -> Iterator[bytes]:
        delta = messages_ends.stop(
            self.finish, calls=bool(self._blocks.calls), matched=self._matched, stops=self._stops
        )
        usage = messages_ends.usage(self._usage, estimate=self._estimate)
        yield event("message_delta", delta=delta, usage=usage)
        yield event("message_stop")

    def _say(self, delta: dict[str, Raw]) -> Iterator[bytes]:
        self._plain = self._plain or has_plain(delta)
        for kind, piece in thoughts(delta, plain=self._plain):
            yield from self._blocks.hide(piece) if kind == "data" else self._blocks.say(kind, piece)
        for key in ("content", "refusal"):
            said = as_text(delta[key]) if key in delta else raw.NULL
            if raw.has_text(said):
                yield from self._blocks.say("text", said)
        for call in any_objects(delta.get("tool_calls", raw.NULL)):
            yield from self._blocks.call(call)
        if called := answer_members(delta.get("function_call", raw.NULL)):
            yield from self._blocks.call({"index": raw.of(0), "function": raw.of(called)})


def thoughts(said: dict[str, Raw], *, plain: bool) -> Iterator[tuple[str, Raw]]:
    """What a delta or a message says of its reasoning: pieces of `thinking`, a `signature`, or hidden `data`.

    Some upstreams say the same under two or three names. Where it is told in `plain` text, the
    first of those is taken, and of the details only what is signed or hidden.
    """
    details = any_objects(said.get("reasoning_details", raw.NULL))
    told = [said[name] for name in PLAIN if name in said] if plain else [_words(each) for each in details]
    told = [each for each in told if raw.has_text(each)]
    for words in told[:1] if plain else told:
        yield "thinking", words
    for detail in details:
        if detail.get("format") == CLAUDE:
            for kind in ("signature", "data"):
                if kind in detail and raw.has_text(detail[kind]):
                    yield kind, detail[kind]


def has_plain(said: dict[str, Raw]) -> bool:
    return any(name in said and not raw.blank(said[name]) for name in PLAIN)


def _words(detail: dict[str, Raw]) -> Raw:
    return detail.get("text", detail.get("summary", raw.NULL))


def head(id: str, model: str, usage: dict[str, Any]) -> dict[str, object]:
    """A message before it says anything."""
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
