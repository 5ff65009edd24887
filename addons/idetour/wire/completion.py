"""Answers that come or go whole, although the other side streams, or does not.

    Collector   a stream        → one completion
    explode     one completion  → a stream
    restamp     one completion  → the same, under the name that the client asked for
    edited      one completion  → another, for models whose answers have to be edited

Text, arguments and whatever else a choice holds pass through as raw JSON.
"""

from collections.abc import Iterator

from msgspec import Raw

from idetour.errors import UpstreamError
from idetour.wire import choices, raw, sse
from idetour.wire.assembly import Assembly, answer_members, any_objects, as_text, finish
from idetour.wire.chunks import Chunk, Stamp, Stream, error_in, event, parse
from idetour.wire.edits import Edits
from idetour.wire.fault import parse_error
from idetour.wire.usage import Usage

_OBJECT = Raw(b'"chat.completion"')
# What a message says, in the order in which a model says it.
_ORDER = (
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "content",
    "refusal",
    "audio",
    "function_call",
    "tool_calls",
)


SAID = ("content", "reasoning", "reasoning_content", "refusal", "tool_calls", "function_call")


class Collector(Stream):
    """Puts a streamed answer together."""

    def __init__(self, *, model: str, id: str, created: int, edits: Edits | None = None) -> None:
        super().__init__(model=model, include_usage=True, id=id, created=created, edits=edits)
        self._fields: dict[str, Raw] = {}
        self._assemblies: dict[int, Assembly] = {}

    def feed(self, data: bytes) -> None:
        """Bytes from the upstream."""
        for chunk in self._feed(data):
            self._add(chunk)

    def end(self) -> None:
        """The upstream's end of file. Sets `done` or `error`."""
        for chunk in self._close():
            self._add(chunk)

    def result(self) -> bytes:
        """The chat.completion as JSON. Raises UpstreamError if the stream did not end well."""
        self.end()
        if self.error:
            raise self.error
        choices = [self._assemblies[index].whole(index) for index in sorted(self._assemblies)]
        fields = self._stamp.fields | {"object": _OBJECT, "choices": raw.of(choices)} | self._fields
        if self._usage is not raw.NULL:
            fields["usage"] = self._usage
        return raw.encode(fields)

    def _add(self, chunk: Chunk) -> None:
        for key, value in chunk.fields.items():
            # `obfuscation` pads single chunks, so that their length does not give the text away.
            if (
                key not in self._stamp.fields
                and key not in ("choices", "usage", "obfuscation")
                and value != raw.NULL
            ):
                self._fields[key] = value
        for choice, fields in zip(chunk.choices, any_objects(chunk.fields["choices"]), strict=True):
            self._assemblies.setdefault(choice.index or 0, Assembly()).add(fields)


def restamp(body: bytes, model: str, *, id: str = "") -> tuple[bytes, Usage | None, UpstreamError | None]:
    """A whole answer under the client's name for the model; all but the top level as it came.

    With the usage that it reports, and the error that it is or holds, although
    it came with status 200: the body is then the upstream's own. `id` is for
    calls that have none.
    """
    try:
        fields = _whole(body, id)
    except UpstreamError as error:
        return body, None, error
    usage = Usage.read(fields.get("usage", raw.NULL))
    return raw.encode(fields | {"model": raw.of(model)}), usage, None


def spoken(body: bytes) -> int:
    """Bytes of text, reasoning and calls in a completion, as JSON: for an estimate of its tokens."""
    messages = (
        answer_members(choice.get("message", raw.NULL)) for choice in any_objects(raw.fields(body)["choices"])
    )
    return sum(len(bytes(message[key])) for message in messages for key in SAID if key in message)


def explode(body: bytes, *, model: str, id: str, created: int, include_usage: bool) -> bytes:
    """A whole answer as a stream that adds up to it again.

    Raises UpstreamError if the body is an error or no completion.
    """
    fields = _whole(body, id)
    usage, said = fields.pop("usage", raw.NULL), any_objects(fields.pop("choices", raw.NULL))
    stamp = Stamp(model=model, id=id, created=created)
    pieces = [[piece] for number, choice in enumerate(said) for piece in _pieces(number, choice)]
    chunks = [fields | {"choices": raw.of(piece)} for piece in pieces]
    if include_usage and not raw.blank(usage):
        chunks.append(fields | {"choices": raw.EMPTY_LIST, "usage": usage})
    return b"".join(event(stamp.on(chunk)) for chunk in chunks) + sse.DONE


def edited(body: bytes, edits: Edits, *, model: str, id: str, created: int) -> bytes:
    """A whole answer, edited as a stream of it would be. Raises UpstreamError if it is none."""
    collector = Collector(model=model, id=id, created=created, edits=edits)
    collector.feed(explode(body, model=model, id=id, created=created, include_usage=True))
    return collector.result()


def _whole(body: bytes, id: str) -> dict[str, Raw]:
    try:
        fields, said = parse(body)
    except ValueError:
        raise _no_completion(body) from None
    if error := error_in(body, fields, said):
        raise error
    if not said:
        raise _no_completion(body)
    if body.find(b'"tool_calls"') >= 0:
        before = any_objects(fields["choices"])
        after = [choices.whole(dict(choice), id=id) for choice in before]
        if after != before:
            fields["choices"] = raw.of(after)
    return fields


def _no_completion(body: bytes) -> UpstreamError:
    excerpt = parse_error(body).message[:200] or "nothing"
    return UpstreamError(
        f"the upstream answered with something that is no completion: {excerpt}", code="bad_upstream_response"
    )


def _pieces(number: int, choice: dict[str, Raw]) -> Iterator[dict[str, Raw]]:
    """A whole choice as the choices of chunks: role, reasoning, content, refusal, tool calls, finish."""
    message = answer_members(choice.pop("message", raw.NULL))
    index = {"index": choice.pop("index", raw.of(number))}
    reason = {"finish_reason": finish(choice.pop("finish_reason", raw.NULL), message)}
    role = {"role": message.pop("role", raw.of("assistant")), "content": raw.NULL}
    says = {}
    for key in sorted(message, key=_place):
        value = as_text(message[key]) if key == "content" else message[key]
        if raw.blank(value):
            role[key] = value
        elif key == "tool_calls":
            says[key] = raw.of([_numbered(place, call) for place, call in enumerate(any_objects(value))])
        else:
            says[key] = raw.of(answer_members(value)) if key == "function_call" else value
    if "content" in says:
        role["content"] = raw.EMPTY_TEXT
    yield index | {"delta": raw.of(role), "finish_reason": raw.NULL}
    for key, value in says.items():
        piece = index | {"delta": raw.of({key: value}), "finish_reason": raw.NULL}
        if key == "content" and "logprobs" in choice:
            piece["logprobs"] = choice.pop("logprobs")
        yield piece
    yield index | {"delta": raw.EMPTY_OBJECT} | choice | reason


def _place(key: str) -> int:
    return _ORDER.index(key) if key in _ORDER else len(_ORDER)


def _numbered(place: int, call: dict[str, Raw]) -> dict[str, Raw]:
    if "function" in call:
        call["function"] = raw.of(answer_members(call["function"]))
    return {"index": raw.of(place)} | call
