"""Whether a tool call is one that its client can run: the tool was offered, its arguments are JSON and fit the schema.

As much of JSON Schema as tools use and models get wrong: types, required
members, enums, unknown members where none are allowed, items, and the ways to
combine them. What is not known here is not checked, so a complaint is always right.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from idetour.gateway.said import Call, Protocol

type Schema = Mapping[str, Any]

DEEPEST = 64  # schemas that refer to themselves would never end
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def offered(protocol: Protocol, body: Mapping[str, Any]) -> dict[str, Schema | None]:
    """The tools of a request by name, each with the schema of its arguments; None where it has none."""
    found: dict[str, Any] = {}
    for tool in body.get("tools") or ():
        match protocol, tool:
            case "chat", {"function": {"name": str(name), **rest}}:
                found[name] = rest.get("parameters")
            case "chat", {"custom": {"name": str(name)}}:
                found[name] = None
            case "messages", {"name": str(name), **rest}:
                found[name] = rest.get("input_schema")
            case "responses", {"name": str(name), **rest}:
                found[name] = rest.get("parameters")
    for old in (body.get("functions") or ()) if protocol == "chat" else ():
        found[old["name"]] = old.get("parameters")
    return found


def mistake(call: Call, tools: Mapping[str, Schema | None]) -> str | None:
    """What is wrong with a call, with its place (`arguments.todos[0].status`); None if nothing is."""
    if call.name not in tools:
        return f"{call.name}: no such tool was offered"
    schema = tools[call.name]
    if call.free or schema is None:
        return None
    try:
        value = msgspec.json.decode(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        return f"{call.name}: the arguments are no JSON: {error}"
    found = next(_mistakes(value, schema, "arguments", schema, 0), None)
    return f"{call.name}: {found}" if found else None


def _mistakes(value: Any, schema: Any, place: str, root: Schema, depth: int) -> Iterator[str]:
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return
    if isinstance(ref := schema.get("$ref"), str):
        yield from _mistakes(value, _resolved(ref, root), place, root, depth + 1)
    yield from _of_type(value, schema, place)
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        yield f"{place} is {_shown(value)}, not one of {', '.join(map(_shown, allowed))}"
    for each in schema.get("allOf") or ():
        yield from _mistakes(value, each, place, root, depth + 1)
    for word in ("anyOf", "oneOf"):
        ways = [next(_mistakes(value, each, place, root, depth + 1), None) for each in schema.get(word) or ()]
        if ways and all(ways):
            yield str(ways[0])
    if isinstance(value, dict):
        yield from _of_members(value, schema, place, root, depth)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mistakes(item, schema.get("items"), f"{place}[{index}]", root, depth + 1)


def _of_type(value: Any, schema: Schema, place: str) -> Iterator[str]:
    said = schema.get("type")
    wanted = [name for name in (said if isinstance(said, list) else [said]) if name in _TYPES]
    if wanted and not any(_is(value, name) for name in wanted):
        yield f"{place} is {_kind(value)}, not {' or '.join(wanted)}"


def _of_members(value: dict[str, Any], schema: Schema, place: str, root: Schema, depth: int) -> Iterator[str]:
    properties = schema.get("properties") or {}
    for name in schema.get("required") or ():
        if name not in value:
            yield f"{place}.{name} is missing"
    for name, item in value.items():
        rule = properties[name] if name in properties else schema.get("additionalProperties")
        if rule is False and name not in properties and not schema.get("patternProperties"):
            yield f"{place}.{name} is not a member that the tool has"
        yield from _mistakes(item, rule, f"{place}.{name}", root, depth + 1)


def _resolved(ref: str, root: Schema) -> Any:
    """What `#/$defs/name` stands for (RFC 6901); None, which allows all, where it leads elsewhere."""
    if not ref.startswith("#"):
        return None
    found: Any = root
    for part in filter(None, ref[1:].split("/")):
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _kind(value: Any) -> str:
    return next(name for name in ("null", "boolean", "integer", *_TYPES) if _is(value, name))


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:59]}…"
