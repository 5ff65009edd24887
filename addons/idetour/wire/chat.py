"""A Chat Completions request: what the gateway has to know, the rest as it came.

Only the top level is parsed. `messages` and `tools`, which may be megabytes,
stay bytes until something needs them, and a field that we do not know goes
upstream byte for byte.
"""

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw

MOST_MEMBERS = 1_000  # of a body, which has a dozen
LONGEST_NAME = 300  # characters; a name is searched, logged and sent back in headers

_WANTED: dict[Any, str] = {str: "a string", bool: "true or false", dict[str, Raw]: "an object"}
_KINDS = {
    b'"': "a string",
    b"[": "a list",
    b"{": "an object",
    b"t": "a boolean",
    b"f": "a boolean",
    b"n": "null",
}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`fields` holds every member of the body, in the order it came; the others are read from it.

    `stream` is how the client wants its answer. `live`: it wants it whole, but somebody listens
    meanwhile, so the upstream is to be asked for a stream.
    """

    fields: dict[str, Raw]
    model: str
    stream: bool
    include_usage: bool
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated(ChatRequest):
    """A request that was one of another protocol: `fields` are the translation.

    `native` is the body in its own protocol: an upstream that speaks that gets it.
    """

    native: dict[str, Raw]
    refusal: BadRequest | None = None  # why it cannot be said in Chat


def read(body: bytes, *, default: str | None = None) -> ChatRequest:
    """Raises BadRequest, which says what is wrong and where, with the field as `param`.

    `default` is the model of a request that names none.
    """
    return request(body_members(body), default=default)


def request(fields: dict[str, Raw], *, default: str | None = None) -> ChatRequest:
    """The same of a body whose members are known."""
    options = _optional(fields, "stream_options", dict[str, Raw])
    model = named(fields, default=default)
    messages = fields.get("messages", raw.NULL)
    if raw.kind(messages) != b"[":
        _wrong(fields, "messages", "a list")
    if raw.blank(messages):
        raise BadRequest("`messages` is empty: there is nothing to answer", param="messages")
    return ChatRequest(
        fields=fields,
        model=model,
        stream=bool(_optional(fields, "stream", bool)),
        include_usage=bool(_optional(options or {}, "include_usage", bool)),
    )


def named(fields: dict[str, Raw], *, default: str | None) -> str:
    """The model that is asked for, by a name that can be one. Raises BadRequest."""
    model = default if default and "model" not in fields else _field(fields, "model", str)
    if not model:
        raise BadRequest("`model` is empty: name the model that is to answer", param="model")
    if len(model) > LONGEST_NAME:
        raise BadRequest(f"`model` is longer than {LONGEST_NAME} characters", param="model")
    return model


def write(fields: dict[str, Raw]) -> bytes:
    """The body with these members, each as its bytes are."""
    return raw.encode(fields)


def messages(request: ChatRequest) -> list[dict[str, Any]]:
    """The conversation, parsed: for those who have to look into it. Raises BadRequest."""
    try:
        return msgspec.json.decode(request.fields["messages"], type=list[dict[str, Any]])
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"`messages` must be a list of objects: {error}", param="messages") from None


def body_members(body: bytes) -> dict[str, Raw]:
    """A body's members, unparsed. Raises BadRequest, with the place in the body."""
    fields = _members(body)
    if len(fields) > MOST_MEMBERS:  # each is looked at several times, while all others wait
        raise BadRequest(f"The body has more than {MOST_MEMBERS:,} members")
    return fields


def _members(body: bytes) -> dict[str, Raw]:
    try:
        body.decode()  # msgspec does not look inside strings that it skips
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8: {_place(body, error.start)} is {error.reason}") from None
    try:
        return raw.fields(body)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The body must be a JSON object ({error})") from None
    except ValueError as error:
        broken = error
    try:
        return raw.fields(raw.mended(body))  # an editor cut an emoji in two: the rest is good
    except ValueError:
        pass
    found = re.search(r"^(?:JSON is malformed: )?(.*?)(?: \(byte (\d+)\))?$", str(broken), re.DOTALL)
    what, byte = found.groups() if found else (str(broken), None)
    where = _place(body, int(byte) if byte else len(body))
    raise BadRequest(f"The body is not valid JSON: {what} at {where}") from None


def _place(body: bytes, byte: int) -> str:
    """Line and column count from 1, in characters; bytes from 0."""
    before = body[:byte].decode("utf-8", "replace")
    return f"line {before.count('\n') + 1}, column {len(before) - before.rfind('\n')} (byte {byte})"


def _optional[T](fields: dict[str, Raw], name: str, kind: type[T]) -> T | None:
    """The field's value; None where it is missing or null."""
    return None if fields.get(name, raw.NULL) == raw.NULL else _field(fields, name, kind)


def _field[T](fields: dict[str, Raw], name: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(fields.get(name, raw.NULL), type=kind)
    except (ValueError, RecursionError):
        _wrong(fields, name, _WANTED[kind])


def _wrong(fields: dict[str, Raw], name: str, wanted: str) -> NoReturn:
    if name not in fields:
        raise BadRequest(f"`{name}` is missing: it must be {wanted}", param=name)
    kind = _KINDS.get(raw.kind(fields[name]), "a number")
    raise BadRequest(f"`{name}` must be {wanted}, not {kind}", param=name)
