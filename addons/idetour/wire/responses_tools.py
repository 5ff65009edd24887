"""Tools between Responses and Chat Completions, whose only tools are functions.

    function      flat there, nested here
    custom        takes free text: a function with one string, `input`
    namespace     a group of functions: each is named `group__name`
    all others    (web_search, shell, mcp …) are run by OpenAI's own servers, which
                  no upstream has: they are left out, and an answer can do without

What the model calls is named as the client named it again by `Toolbox.known_as`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.places import wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import any_members, string

FUNCTION = ("name", "description", "parameters", "strict")  # what Chat knows of a function
WORDS = ("auto", "none", "required")  # of `tool_choice`
FREE_TEXT = Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
_list = msgspec.json.Decoder(list[dict[str, Raw]])


class Known(NamedTuple):
    """A tool as the client named it."""

    name: str
    space: str = ""
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Toolbox:
    """`fields` are Chat's `tools` and `tool_choice`, where there is something to say."""

    names: Mapping[str, Known] = field(default_factory=dict)  # by their names in Chat
    fields: Mapping[str, Raw] = field(default_factory=dict)

    def known_as(self, name: str) -> Known:
        return self.names.get(name) or Known(name)


def read(asked: Mapping[str, Raw]) -> Toolbox:
    """The tools that a Responses request offers. Raises BadRequest with the place."""
    offered = dict(_offered(asked.get("tools", raw.NULL)))
    choice = any_members(asked.get("tool_choice", raw.NULL))
    if string(choice.get("type", raw.NULL)) == "allowed_tools":
        wanted = {_named(tool) for tool in _tools(choice.get("tools", raw.NULL), "tool_choice.tools")}
        offered = {name: tool for name, tool in offered.items() if name in wanted}
    names = {name: known for name, (known, _) in offered.items()}
    fields: Fields = {}
    if offered:
        fields["tools"] = raw.of([{"type": "function", "function": made} for _, made in offered.values()])
        fields |= {key: asked[key] for key in ("parallel_tool_calls",) if key in asked}
    fields |= _choice(asked.get("tool_choice", raw.NULL), names)
    return Toolbox(names, fields)


def joined(name: str, space: str) -> str:
    """What a function of a namespace is called in Chat."""
    return f"{space}__{name}" if space else name


def _offered(value: Raw, place: str = "tools", space: str = "") -> Iterator[tuple[str, tuple[Known, Fields]]]:
    for number, tool in enumerate(_tools(value, place)):
        here, kind = f"{place}[{number}]", string(tool.get("type", raw.NULL))
        if kind == "namespace":
            yield from _offered(tool.get("tools", raw.NULL), f"{here}.tools", _name(tool, here))
        elif kind in ("function", "custom"):
            tool |= any_members(tool.get("function", raw.NULL))
            known = Known(_name(tool, here), space, kind == "custom")
            made = {key: tool[key] for key in FUNCTION if tool.get(key, raw.NULL) != raw.NULL}
            if known.custom:
                made |= _explained(tool) | {"parameters": FREE_TEXT}
            name = joined(known.name, space)
            yield name, (known, made | {"name": raw.of(name)})


def _explained(tool: Fields) -> Fields:
    """A custom tool's description, with the grammar that OpenAI would hold its input to."""
    said, format = string(tool.get("description", raw.NULL)), any_members(tool.get("format", raw.NULL))
    if grammar := string(format.get("definition", raw.NULL)):
        syntax = string(format.get("syntax", raw.NULL))
        said += f"\n\n`input` must follow this {syntax} grammar:\n{grammar}"
    return {"description": raw.of(said.strip())} if said else {}


def _choice(value: Raw, names: Mapping[str, Known]) -> Fields:
    """Chat's `tool_choice`. It goes where no tool is left; one that insists on a tool that is not there is refused."""
    choice = any_members(value)
    kind = string(choice.get("type", raw.NULL))
    if not choice:
        word = string(value)
        if word not in WORDS and value != raw.NULL:
            wrong("tool_choice", f"must be one of {', '.join(WORDS)}, or an object")
        return {"tool_choice": value} if names and word else {}
    if kind == "allowed_tools":
        mode = choice.get("mode", raw.of("auto"))
        return {"tool_choice": mode} if names else {}
    if (name := _named(choice)) not in names:
        wrong(
            "tool_choice",
            f"insists on {name or kind!r}, which is no function among `tools`. Tools that OpenAI runs itself are "
            "not to be had here",
        )
    return {"tool_choice": raw.of({"type": "function", "function": {"name": name}})}


def _named(tool: Fields) -> str:
    """The name in Chat of a tool that is referred to."""
    named = tool | any_members(tool.get("function", raw.NULL))
    return joined(string(named.get("name", raw.NULL)), string(named.get("namespace", raw.NULL)))


def _name(tool: Fields, place: str) -> str:
    name = string(tool.get("name", raw.NULL))
    if not name:
        wrong(f"{place}.name", "is missing")
    return name


def _tools(value: Raw, place: str) -> list[Fields]:
    try:
        return _list.decode(value) if value != raw.NULL else []
    except (ValueError, RecursionError):
        wrong(place, "must be a list of objects")
