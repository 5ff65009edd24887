"""The tools that were offered, and values that are written without JSON in the types of their schemas.

In the notations that look like XML all values are text, and only the schema
tells the number 1 from the text "1".
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from idetour.wire.repair_json import WORDS

type Offered = Mapping[str, Mapping[str, Any]]  # the tools' names, and the schemas of their parameters

PLAIN = ("string", None)
MOST = 2000  # tools; more are not looked at


class _Function(msgspec.Struct):
    name: str = ""
    parameters: Any = None


class _Tool(msgspec.Struct):
    function: _Function | None = None


_tools = msgspec.json.Decoder(list[_Tool])


def offered(tools: bytes | msgspec.Raw) -> Offered:
    """What a Chat request's `tools` offer; nothing where they are no list of tools."""
    try:
        found = _tools.decode(tools)[:MOST]
    except (ValueError, RecursionError):
        return {}
    functions = [tool.function for tool in found if tool.function and tool.function.name]
    return {each.name: properties(each.parameters) for each in functions}


def properties(schema: Any) -> Mapping[str, Any]:
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def typed(text: str, schema: Any) -> Any:
    """A value as its schema has it; text where the schema allows that, or the text is nothing else."""
    kinds = types(schema)
    if not kinds or "string" in kinds:
        return None if text.strip() in ("null", "None") and "null" in kinds else text
    word = text.strip()
    try:
        value = msgspec.json.decode(WORDS.get(word, word).encode(errors="replace"))
    except (ValueError, RecursionError):
        return text
    return value


def types(schema: Any) -> set[str]:
    """The types that a schema allows; none where it does not say."""
    if not isinstance(schema, dict):
        return set()
    said = schema.get("type")
    found = {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set()
    for word in ("anyOf", "oneOf"):
        choices = schema.get(word)
        for choice in choices if isinstance(choices, list) else ():
            found |= types(choice)
    return {each for each in found if isinstance(each, str)}
