"""A request for embeddings, which take the same way through the gateway as a conversation.

The gateway knows Chat alone, so the answer travels inside a completion that
says nothing: who asked takes it out again. It is not translated: no other
protocol has a word for it.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from idetour.errors import UpstreamError
from idetour.wire import chat, raw
from idetour.wire.chat import Translated
from idetour.wire.fault import parse_error
from idetour.wire.places import wrong

INSIDE = "x_embeddings"  # the completion's member that holds the answer itself
_input = msgspec.json.Decoder(str | list[str | int | list[int]])


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingsRequest(Translated):
    """`native` is the body as it came; in Chat it is a conversation in which nobody speaks."""


def read(body: bytes, *, default: str | None = None) -> EmbeddingsRequest:
    """Raises BadRequest, which says what is wrong and where. `default` is the model of a request that names none."""
    fields = chat.body_members(body)
    model = chat.named(fields, default=default)
    given = fields.get("input", raw.NULL)
    try:
        said = _input.decode(given)
    except (ValueError, RecursionError):
        missing = "is missing: it " if given == raw.NULL else ""
        wrong("input", f"{missing}must be a string, a list of strings, or tokens as numbers")
    if not said:
        wrong("input", "is empty: there is nothing to embed")
    return EmbeddingsRequest(
        fields=fields | {"messages": raw.EMPTY_LIST},
        native=fields,
        model=model,
        stream=False,
        include_usage=False,
    )


def completion(body: bytes) -> bytes:
    """An upstream's answer inside a completion; anything else as it came, for whoever looks for errors in it."""
    try:
        fields = raw.fields(body)
    except ValueError:
        return body
    if raw.kind(fields.get("data", raw.NULL)) != b"[":
        return body
    silent: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": ""}}
    return raw.encode(
        {
            "object": "chat.completion",
            "choices": [silent | {"finish_reason": "stop"}],
            "usage": fields.get("usage", raw.NULL),
            INSIDE: fields,
        }
    )


def answer(completion: bytes, *, model: str) -> bytes:
    """The answer that a completion carries, under the name that the client asked for. Raises UpstreamError."""
    inside = raw.fields(completion).get(INSIDE)
    if inside is None:
        said = parse_error(completion).message[:200]
        raise UpstreamError(
            f"the upstream answered with something that is no embeddings: {said}",
            code="bad_upstream_response",
        )
    return raw.encode(raw.fields(inside) | {"model": raw.of(model)})
