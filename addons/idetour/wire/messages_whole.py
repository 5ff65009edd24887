"""A whole Chat completion as a message of Anthropic's."""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Raw

from idetour.errors import UpstreamError
from idetour.wire import messages_ends, raw
from idetour.wire.assembly import answer_members, any_objects, as_text
from idetour.wire.messages_blocks import tool_use
from idetour.wire.messages_stream import CLAUDE, NATIVE, has_plain, head, thoughts
from idetour.wire.places import joined
from idetour.wire.repair_json import readable
from idetour.wire.turns import string


def message(
    body: bytes,
    *,
    model: str,
    id: str,
    names: Mapping[str, str] = {},
    stops: Collection[str] = (),
    estimate: int = 0,
) -> bytes:
    """The first choice of a completion as a message: thoughts, text, calls. Raises UpstreamError for anything else."""
    try:
        fields = raw.fields(body)
    except ValueError:
        fields = {}
    if (native := answer_members(fields.get(NATIVE, raw.NULL))).get("type") == Raw(b'"message"'):
        return raw.encode(native | {"model": raw.of(model)})
    choices = any_objects(fields.get("choices", raw.NULL))
    if not choices:
        raise UpstreamError(
            "the upstream answered with something that is no completion", code="bad_upstream_response"
        )
    choice = choices[0]
    said = answer_members(choice.get("message", raw.NULL))
    content = list(_blocks(said, id.removeprefix("msg_"), names))
    reason = messages_ends.stop(
        string(choice.get("finish_reason", raw.NULL)),
        calls=any(block["type"] == "tool_use" for block in content),
        matched=string(choice.get("stop_reason", raw.NULL)) or None,
        stops=stops,
    )
    usage = messages_ends.usage(fields.get("usage", raw.NULL), estimate=estimate)
    content = content or [{"type": "text", "text": ""}]
    return raw.encode(head(id, model, usage) | {"content": content} | reason)


def _blocks(said: dict[str, Raw], id: str, names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    yield from _thoughts(said)
    for key in ("content", "refusal"):
        text = as_text(said.get(key, raw.NULL))
        if raw.has_text(text):
            yield {"type": "text", "text": text}
    calls = any_objects(said.get("tool_calls", raw.NULL))
    if called := answer_members(said.get("function_call", raw.NULL)):
        calls = [*calls, {"function": raw.of(called)}]
    for number, call in enumerate(calls, 1):
        function = answer_members(call.get("function", raw.NULL))
        name, given = function.get("name", raw.NULL), input_of(function.get("arguments", raw.NULL))
        missing = f"toolu_{id}_{number}"
        yield tool_use(call.get("id", raw.NULL), name, given, missing=missing, names=names)


def _thoughts(said: dict[str, Raw]) -> Iterator[dict[str, object]]:
    """Claude's own with their signatures, each apart; those of others as one, without."""
    own = [
        each for each in any_objects(said.get("reasoning_details", raw.NULL)) if each.get("format") == CLAUDE
    ]
    for each in own:
        if raw.is_text(data := each.get("data", raw.NULL)):
            yield {"type": "redacted_thinking", "data": data}
        else:
            words, sign = each.get("text", raw.EMPTY_TEXT), each.get("signature", raw.EMPTY_TEXT)
            yield {"type": "thinking", "thinking": words, "signature": sign}
    pieces = [] if own else [piece for _, piece in thoughts(said, plain=has_plain(said))]
    if pieces:
        yield {"type": "thinking", "thinking": joined(pieces), "signature": ""}


def input_of(arguments: Raw) -> Raw:
    """The arguments as the object that they are; what is none goes on as it is, in `_raw`."""
    said = string(arguments)
    if not said.strip():
        return raw.EMPTY_OBJECT
    return Raw(said.strip().encode()) if readable(said) else raw.of({"_raw": said})
