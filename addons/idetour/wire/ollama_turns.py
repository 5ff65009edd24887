"""A Chat conversation as Ollama's messages.

Text parts become one string, pictures stand beside it as bare base64, the
arguments of a call are an object, and a tool's result names its tool, not its
call. Ollama fetches no pictures and reads no files: such are refused.
"""

import re

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import any_objects
from idetour.wire.messages_whole import input_of
from idetour.wire.places import joined, members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

type Message = dict[str, object]

ROLES = {"developer": "system", "function": "tool"}  # Ollama's words for those it does not know
TEXTS = ("text", "input_text", "output_text", "refusal")
_DATA = re.compile(r"data:image/[\w.+-]+;base64,", re.IGNORECASE)


def translate(messages: Raw) -> list[Message]:
    """Raises BadRequest, which names the place."""
    names: dict[str, Raw] = {}  # of tools, by the ids of their calls
    return [
        _message(message, f"messages[{number}]", names)
        for number, message in enumerate(objects(messages, "messages"))
    ]


def _message(message: Fields, place: str, names: dict[str, Raw]) -> Message:
    said = word(message, "role", place)
    role = ROLES.get(said, said)
    if role not in ("system", "user", "assistant", "tool"):
        wrong(f"{place}.role", f"{said!r} is no role that Ollama knows")
    texts, pictures = _content(message.get("content", raw.NULL), f"{place}.content")
    made: Message = {"role": role, "content": joined(texts, rb"\n")}
    if pictures:
        made["images"] = pictures
    if role == "tool":
        key = message.get("name" if said == "function" else "tool_call_id", raw.NULL)
        made["tool_name"] = names.get(string(key), message.get("name", key))
    elif role == "assistant":
        made |= _thought(message)
        if calls := [*_calls(message, place, names)]:
            made["tool_calls"] = calls
    return made


def _content(content: Raw, place: str) -> tuple[list[Raw], list[str]]:
    """The texts, and the pictures as base64."""
    if content == raw.NULL or raw.is_text(content):
        return ([content] if content != raw.NULL else []), []
    if raw.kind(content) != b"[":
        wrong(place, "must be a string or a list of parts")
    texts: list[Raw] = []
    pictures: list[str] = []
    for number, part in enumerate(objects(content, place)):
        here = f"{place}[{number}]"
        kind = word(part, "type", here)
        if kind in TEXTS:
            texts.append(text(part, "refusal" if kind == "refusal" else "text", here))
        elif kind in ("image_url", "input_image"):
            pictures.append(_picture(part.get("image_url", raw.NULL), f"{here}.image_url"))
        else:
            wrong(f"{here}.type", f"{kind!r} cannot be shown to Ollama")
    return texts, pictures


def _picture(given: Raw, place: str) -> str:
    url = string(given if raw.is_text(given) else text(members(given, place), "url", place))
    found = _DATA.match(url)
    if not found:
        wrong(place, "must be a data URL with base64: Ollama fetches no pictures")
    return url[found.end() :]


def _thought(message: Fields) -> Message:
    for name in ("reasoning_content", "reasoning"):
        if raw.has_text(said := message.get(name, raw.NULL)):
            return {"thinking": said}
    return {}


def _calls(message: Fields, place: str, names: dict[str, Raw]) -> list[Message]:
    calls = any_objects(message.get("tool_calls", raw.NULL))
    if not raw.blank(older := message.get("function_call", raw.NULL)):
        calls = [*calls, {"function": older}]
    made: list[Message] = []
    for number, call in enumerate(calls):
        here = f"{place}.tool_calls[{number}].function"
        function = members(call.get("function", raw.NULL), here)
        name, given = text(function, "name", here), function.get("arguments", raw.EMPTY_TEXT)
        names[string(call.get("id", raw.NULL)) or string(name)] = name
        given = given if raw.kind(given) == b"{" else input_of(given)
        made.append({"function": {"name": name, "arguments": given}})
    return made
