"""Reading a body strictly, in Messages as in Responses: whatever is not as it should be is refused with its place.

A place is written as in `messages[3].content[0].type`. Values stay bytes.
"""

from typing import NoReturn

from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.raw import Fields
from idetour.wire.turns import MOST, string


def wrong(place: str, what: str) -> NoReturn:
    """Refuse: "`place` what"."""
    raise BadRequest(f"`{place}` {what}", param=place)


def objects(value: Raw, place: str) -> list[Fields]:
    """A list of objects. Raises BadRequest."""
    if raw.kind(value) != b"[":
        wrong(place, "must be a list")
    if len(items := raw.items(value)) > MOST:
        wrong(place, f"holds more than {MOST:,}")
    return [members(item, f"{place}[{number}]") for number, item in enumerate(items)]


def members(value: Raw, place: str) -> Fields:
    """An object. Raises BadRequest."""
    if raw.kind(value) != b"{":
        wrong(place, "must be an object")
    try:
        return raw.fields(value)
    except ValueError as error:
        wrong(place, f"cannot be read: {error}")


def text(fields: Fields, name: str, place: str) -> Raw:
    """A member that has to be a string, as it came. Raises BadRequest."""
    value = fields.get(name, raw.NULL)
    if not raw.is_text(value):
        wrong(f"{place}.{name}", "must be a string")
    return value


def word(fields: Fields, name: str, place: str) -> str:
    """A member that has to be a string and is short: a type, an id, a name. Raises BadRequest."""
    return string(text(fields, name, place))


def blocks(content: Raw, place: str) -> list[Fields]:
    """The blocks of a content; a string is one block of text, null is none. Raises BadRequest."""
    if raw.is_text(content):
        return [{"type": Raw(b'"text"'), "text": content}]
    if content == raw.NULL:
        return []
    if raw.kind(content) != b"[":
        wrong(place, "must be a string or a list of blocks")
    return objects(content, place)


def calls(message: Fields, place: str) -> list[tuple[Fields, str]]:
    """The tool calls of a Chat message, each with its place; the older `function_call` is one. Raises BadRequest."""
    asked = message.get("tool_calls", raw.NULL)
    found = [] if raw.blank(asked) else objects(asked, f"{place}.tool_calls")
    made = [(call, f"{place}.tool_calls[{number}]") for number, call in enumerate(found)]
    if not raw.blank(older := message.get("function_call", raw.NULL)):
        made.append(({"function": older}, place))
    return made


def joined(texts: list[Raw], between: bytes = b"") -> Raw:
    """Several JSON strings as one, with `between` (as JSON writes it) between them; nothing is decoded."""
    return Raw(b'"%b"' % between.join(bytes(text)[1:-1] for text in texts))
