"""A streamed Chat Completions answer, on its way from the upstream to the client.

Every event is examined once, and is one of:

    chunk       has choices: goes on
    usage       no choices, but a usage object: remembered, goes on if the client asked for it
    heartbeat   neither: dropped, and so is what Azure says of the prompt before it answers
    error       an `error`, an event of that name, a finish_reason "error": ends the stream
    broken      no JSON, or not a chunk's shape: dropped; the third ends the stream
    [DONE]      ends the stream well; what follows is ignored

Only the top level of an event is parsed and written again, with our `model`
and one `id` and `created` for the whole stream. `choices` stays the bytes that
came, and the text is never decoded, unless a choice is odd (`choices.py`). A
stream that ends with neither [DONE] nor a finish_reason broke off, and must not
look finished.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from idetour.errors import UpstreamError
from idetour.wire import raw, sse
from idetour.wire.choices import Choice, Choices, Chunk
from idetour.wire.edits import Edits
from idetour.wire.fault import is_flat_error, parse_error, upstream_error
from idetour.wire.usage import Usage

__all__ = ["Choice", "Chunk", "Relay", "Stream", "Usage", "parse_error"]

MOST_BROKEN = 3
QUOTES = 2  # bytes around a text
CONTENT = frozenset({
    "content", "tool_calls", "function_call", "refusal", "audio",
    "reasoning", "reasoning_content", "reasoning_details",
})  # fmt: skip
_OBJECT = Raw(b'"chat.completion.chunk"')
_choices = msgspec.json.Decoder(list[Choice] | None, strict=False)  # not strict: an index may be "0"


class Stamp:
    """The members of a chunk that are ours. The first chunk decides on `id` and `created`, for all."""

    def __init__(self, *, model: str, id: str, created: int) -> None:
        self.fields = {
            "id": raw.of(id),
            "object": _OBJECT,
            "created": raw.of(created),
            "model": raw.of(model),
        }
        self._decided = False

    def on(self, fields: dict[str, Raw]) -> dict[str, Raw]:
        """Put them in, each where it stood."""
        if not self._decided:
            self._decided = True
            if (id := fields.get("id")) and raw.is_text(id) and not raw.blank(id):
                self.fields["id"] = id
            if (created := fields.get("created")) and _is_time(created):
                self.fields["created"] = created
        fields.update(self.fields)
        return fields


class Stream:
    """Examines what an upstream streams; what is done with the chunks is for subclasses.

    `id` and `created` are used where the upstream gives none. The caller reads:

    content   an event with text, a tool call, reasoning, a refusal or a finish has passed
    finish    the finish_reason
    done      the stream ended well
    error     it did not; nothing more will come
    broken    events that could not be read
    events    all events
    said      bytes of text, reasoning and calls in them, as JSON

    `edits` rewrite what the model says, where it needs that.
    """

    def __init__(
        self, *, model: str, include_usage: bool, id: str, created: int, edits: Edits | None = None
    ) -> None:
        self.content = False
        self.finish: str | None = None
        self.done = False
        self.error: UpstreamError | None = None
        self.broken = 0
        self.events = 0
        self.said = 0
        self._reader = sse.Reader()
        self._include_usage = include_usage
        self._stamp = Stamp(model=model, id=id, created=created)
        self._shape = Choices(id=id, edits=edits)
        self._usage = raw.NULL
        self._open: set[int] = set()  # choices that have begun and not finished
        self._finished: set[int] = set()

    @property
    def usage(self) -> Usage | None:
        """The last usage that the upstream sent."""
        return Usage.read(self._usage)

    def _feed(self, data: bytes) -> Iterator[Chunk]:
        if self.done or self.error:
            return
        try:
            events, too_long = self._reader.feed(data), None
        except sse.EventTooLong as error:
            events, too_long = error.events, error
        yield from self._take(events)
        if too_long and not self.done:
            self.error = self.error or too_long

    def _close(self) -> Iterator[Chunk]:
        """The upstream's end of file."""
        if self.done or self.error:
            return
        try:
            yield from self._take(self._reader.close())
        except sse.EventTooLong as error:
            self.error = error
        if self.done or self.error:
            return
        yield from self._watched([*self._shape.end(complete=False)])
        if self.finish and not self._open:
            self.done = True
        else:
            self.error = UpstreamError(
                "the upstream's answer broke off before it was complete", code="upstream_truncated"
            )

    def _take(self, events: list[sse.Event]) -> list[Chunk]:
        """What goes on. A list: generators within each other were a tenth of what a chunk costs."""
        chunks: list[Chunk] = []
        for each in events:
            self.events += 1
            chunk = self._examine(each)
            if self.done or self.error:
                chunks += self._shape.end(complete=self.done)
                break
            if chunk:
                chunks += self._shape.take(chunk)
        return self._watched(chunks)

    def _watched(self, chunks: list[Chunk]) -> list[Chunk]:
        for chunk in chunks:
            for choice in chunk.choices:
                self._watch(choice)
        return chunks

    def _examine(self, each: sse.Event) -> Chunk | None:
        data, name = each
        if data[:1] != b"{" and (word := data.strip()) in (b"[DONE]", b""):
            self.done = bool(word)
            return None
        try:
            fields, choices = parse(data)
        except ValueError:
            if name == b"error":
                self.error = upstream_error(data)
            else:
                self._note_broken()
            return None
        if error := error_in(data, fields, choices, certain=name == b"error"):
            self.error = error
            return None
        usage = fields.get("usage", raw.NULL)
        if usage is not raw.NULL and not raw.blank(usage):
            self._usage = usage
        elif not choices:
            return None
        if not choices:
            if not self._include_usage:
                return None
            fields["choices"] = raw.EMPTY_LIST
        return Chunk(self._stamp.on(fields), choices)

    def _watch(self, choice: Choice) -> None:
        index, reason = choice.index or 0, choice.finish_reason
        if reason and isinstance(reason, str):
            # Some send it twice: the first wins, unless tool calls turn out to be the reason.
            if not self.finish or reason == "tool_calls":
                self.finish = reason
            self.content = True
            self._open.discard(index)
            self._finished.add(index)
        elif index not in self._finished:
            self._open.add(index)
        if choice.delta:
            for key, value in choice.delta.items():
                if len(value) > QUOTES and key != "role" and value != raw.NULL:
                    self.said += len(value) - QUOTES
        if not self.content and choice.delta:
            said = CONTENT.intersection(choice.delta)
            self.content = any(not raw.blank(choice.delta[key]) for key in said)
        if choice.usage is not raw.NULL and not raw.blank(choice.usage):
            self._usage = choice.usage

    def _note_broken(self) -> None:
        self.broken += 1
        if self.broken == MOST_BROKEN:
            self.error = UpstreamError(
                f"the upstream sent {MOST_BROKEN} events that are not Chat Completions JSON",
                code="upstream_garbled",
            )


class Relay(Stream):
    """Passes the stream on. What one read brought goes on as one piece."""

    def feed(self, data: bytes) -> bytes:
        """Bytes from the upstream in, bytes for the client out; b"" where there is nothing to say yet."""
        return self._written(self._feed(data))

    def end(self) -> bytes:
        """The upstream's end of file: what was still held back. Sets `done` or `error`."""
        return self._written(self._close())

    def _written(self, chunks: Iterator[Chunk]) -> bytes:
        was_done = self.done
        out = [event(chunk.fields) for chunk in chunks]
        if self.done and not was_done:
            out.append(sse.DONE)
        return b"".join(out)


def event(fields: dict[str, Raw]) -> bytes:
    """A chunk as a line of the stream: JSON's own line ends are mere space, and many clients read lines."""
    return b"data: %b\n\n" % raw.encode(fields).replace(b"\n", b" ").replace(b"\r", b" ")


def parse(data: bytes) -> tuple[dict[str, Raw], list[Choice]]:
    """The top level of a chunk or a completion, and its choices. Raises ValueError."""
    data = raw.utf8(data)
    try:
        fields = raw.fields(data)
    except ValueError:
        fields = raw.fields(raw.masked(data))
    choices = fields.get("choices", raw.NULL)
    try:
        return fields, _choices.decode(choices) or []
    except ValueError:
        if raw.blank(choices):  # "" or {}
            return fields, []
        raise


def error_in(
    data: bytes, fields: dict[str, Raw], choices: list[Choice], *, certain: bool = False
) -> UpstreamError | None:
    """The error that came in the place of a chunk or a completion, or inside one."""
    if certain or ("error" in fields and not raw.blank(fields["error"])):
        return upstream_error(data)
    for choice in choices:
        if choice.error is not raw.NULL and not raw.blank(choice.error):
            return upstream_error(raw.encode({"error": choice.error}))
        if choice.finish_reason == "error":
            return UpstreamError("the upstream ended its answer with an error and gave no reason")
    return None if choices or not is_flat_error(fields) else upstream_error(data)


def _is_time(value: Raw) -> bool:
    """An integer that every client's number type holds: some gateways send 10^29."""
    digits = bytes(value)
    return digits.isdigit() and len(digits) <= 16 and int(digits) < 2**53
