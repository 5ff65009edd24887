"""The messages of a Chat Completions request, decoded as far as somebody asks.

A conversation may be megabytes, and who chooses a model wants one text of it.
So each message's content stays bytes until its text is wanted.
"""

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.raw import Fields

MOST = 10_000  # messages, items, tools: each costs microseconds, in which all others wait
TEXTS = ("text", "input_text", "output_text")  # the types of parts that hold text


class Turn(msgspec.Struct, frozen=True):
    """One message. What it holds is read by `text` and `images`."""

    role: str = ""
    content: Raw = raw.NULL


class _Function(msgspec.Struct):
    name: str = ""


class _Tool(msgspec.Struct):
    name: str = ""
    function: _Function | None = None


_turns = msgspec.json.Decoder(list[Turn])
_parts = msgspec.json.Decoder(list[dict[str, Raw]])
_tools = msgspec.json.Decoder(list[_Tool])
_text = msgspec.json.Decoder(str)


def turns(fields: Fields) -> list[Turn]:
    """All messages. Raises BadRequest where they are not a list of objects, each with a role that is text, or too many."""
    try:
        found = _turns.decode(fields.get("messages", raw.EMPTY_LIST))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"`messages` must be a list of objects: {error}", param="messages") from None
    if len(found) > MOST:
        raise BadRequest(f"`messages` holds more than {MOST:,}", param="messages")
    return found


def text(content: Raw) -> str:
    """A content's text: the string itself, or its text parts, one below the other; never a tool's result."""
    if raw.is_text(content):
        return string(content)
    return "\n".join(
        string(part["text"]) for part in parts(content) if "text" in part and kind(part) in TEXTS
    )


def images(content: Raw) -> int:
    """How many pictures a content shows."""
    return sum(kind(part) in ("image_url", "input_image", "image") for part in parts(content))


def tools(fields: Fields) -> tuple[str, ...]:
    """The names of the tools that the model may call; none where `tools` is not a list of tools."""
    try:
        found = _tools.decode(fields.get("tools", raw.EMPTY_LIST))
    except (ValueError, RecursionError):
        return ()
    return tuple(name for tool in found if (name := tool.function.name if tool.function else tool.name))


def string(value: Raw) -> str:
    """A JSON string; empty where the value is something else."""
    if not raw.is_text(value):
        return ""
    for written in (bytes, raw.mended):  # half an emoji is mended only where it stands in the way
        try:
            return _text.decode(written(value))
        except ValueError:
            continue
    return ""


def kind(part: Fields) -> str:
    return string(part.get("type", raw.NULL))


def parts(content: Raw) -> list[Fields]:
    """The parts of a content that is a list of objects; else none."""
    if raw.kind(content) != b"[":
        return []
    try:
        return _parts.decode(content)
    except (ValueError, RecursionError):
        return []


def any_members(value: Raw) -> Fields:
    """The members of an object, unparsed; none where the value is something else."""
    try:
        return raw.fields(value)
    except ValueError:
        return {}
