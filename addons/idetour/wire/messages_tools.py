"""The tools of a Messages request as Chat's functions.

Anthropic has tools of its own that come without a schema, because its models
know them by heart. Those that the client runs get one here; those that
Anthropic's servers would run nobody else can, and they are left out.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.messages_names import cut, uncut
from idetour.wire.places import members, objects, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

# Run by Anthropic's servers: their type begins so.
_SERVERS = re.compile(r"web_search_|web_fetch_|code_execution_|tool_search_|advisor_|mcp_toolset")
_DATED = re.compile(r"_\d{8}$")


def _schema(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {"type": kind} if isinstance(kind, str) else kind for name, kind in properties.items()
        },
        "required": required.split(),
    }


def _one_of(words: str) -> dict[str, Any]:
    return {"type": "string", "enum": words.split()}


_PAIR = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}

# https://docs.anthropic.com/en/docs/agents-and-tools: the inputs of the tools that a client runs.
TYPED: dict[str, tuple[str, dict[str, Any]]] = {
    "bash": (
        "Run a command in a bash shell that stays open between calls.",
        _schema(
            "",
            command={"type": "string", "description": "The command to run."},
            restart={"type": "boolean", "description": "Start the shell anew instead."},
        ),
    ),
    "text_editor": (
        "View, create and edit text files. `old_str` must occur exactly once in the file.",
        _schema(
            "command path",
            command=_one_of("view create str_replace insert"),
            path={"type": "string", "description": "Absolute path of a file or folder."},
            view_range={**_PAIR, "description": "First and last line, counted from 1; -1 is the end."},
            file_text={"type": "string", "description": "For `create`: what the file is to hold."},
            old_str={"type": "string", "description": "For `str_replace`: what goes."},
            new_str={"type": "string", "description": "For `str_replace`: what comes; empty if missing."},
            insert_line={"type": "integer", "description": "For `insert`: after which line, 0 for the top."},
            insert_text={"type": "string", "description": "For `insert`: what comes."},
        ),
    ),
    "memory": (
        "Keep notes in files below /memories, across conversations.",
        _schema(
            "command",
            command=_one_of("view create str_replace insert delete rename"),
            path="string",
            view_range=_PAIR,
            file_text="string",
            old_str="string",
            new_str="string",
            insert_line="integer",
            insert_text="string",
            old_path="string",
            new_path="string",
        ),
    ),
    "computer": (
        "Look at and use a computer's screen, mouse and keyboard.",
        _schema(
            "action",
            action=_one_of(
                "screenshot left_click right_click middle_click double_click triple_click mouse_move left_click_drag"
                " left_mouse_down left_mouse_up cursor_position key hold_key type scroll wait zoom"
            ),
            coordinate={**_PAIR, "description": "Pixels from the left and from the top."},
            start_coordinate=_PAIR,
            text="string",
            duration={"type": "number", "description": "Seconds."},
            scroll_direction=_one_of("up down left right"),
            scroll_amount="integer",
            region={**_PAIR, "minItems": 4, "maxItems": 4},
        ),
    ),
}


def translate(fields: Fields) -> tuple[Fields, dict[str, str]]:
    """`tools` and `tool_choice` as Chat's fields, and which names were cut: short → as the client knows it.

    Without tools there is no choice either: upstreams refuse one. Raises BadRequest.
    """
    asked = fields.get("tools", raw.NULL)
    tools = [] if raw.blank(asked) else [_own(*each) for each in enumerate(objects(asked, "tools"))]
    functions = [
        function for number, tool in enumerate(tools) if (function := _function(tool, f"tools[{number}]"))
    ]
    names = uncut(string(tool["name"]) for tool in tools if "name" in tool)
    if not functions:
        return {}, names
    made = {"tools": raw.of([{"type": "function", "function": function} for function in functions])}
    return made | _choice(fields, {string(function["name"]) for function in functions}), names


def _own(number: int, tool: Fields) -> Fields:
    """A tool as Messages has it: some clients send those of Chat or Responses here too."""
    if string(tool.get("type", raw.NULL)) != "function":
        return tool
    inner = members(tool["function"], f"tools[{number}].function") if "function" in tool else tool
    made = {name: inner[name] for name in ("name", "description", "strict") if name in inner}
    return made | {"input_schema": inner.get("parameters", raw.EMPTY_OBJECT)}


def _function(tool: Fields, place: str) -> Fields | None:
    """A tool as a function; None for one that only Anthropic's servers can run."""
    kind = string(tool.get("type", raw.NULL))
    if _SERVERS.match(kind):
        return None
    name = word(tool, "name", place) if kind in ("", "custom") else string(tool.get("name", raw.NULL))
    if "input_schema" in tool:
        schema = members(tool["input_schema"], f"{place}.input_schema")
        schema.setdefault("type", Raw(b'"object"'))
        made = {"name": raw.of(cut(name)), "parameters": raw.of(schema)}
    elif known := TYPED.get(_DATED.sub("", kind)):
        description = known[0] + _screen(tool)
        made = {"name": raw.of(cut(name)), "description": raw.of(description), "parameters": raw.of(known[1])}
    elif kind in ("", "custom"):
        wrong(f"{place}.input_schema", "is missing")
    else:
        wrong(f"{place}.type", f"{kind!r} has no counterpart at this upstream: leave the tool out")
    if raw.is_text(tool.get("description", raw.NULL)):
        made["description"] = tool["description"]
    if tool.get("strict") == Raw(b"true"):
        made["strict"] = tool["strict"]
    return made


def _screen(tool: Fields) -> str:
    size = [bytes(tool[name]).decode() for name in ("display_width_px", "display_height_px") if name in tool]
    return f" The screen has {' x '.join(size)} pixels." if len(size) == 2 else ""


def _choice(fields: Fields, names: set[str]) -> Fields:
    """`tool_choice`; one that names a tool which was left out is left to the model."""
    if raw.blank(fields.get("tool_choice", raw.NULL)):
        return {}
    choice = members(fields["tool_choice"], "tool_choice")
    kind = word(choice, "type", "tool_choice")
    made: dict[str, Any] = {}
    if kind == "tool":
        name = cut(word(choice, "name", "tool_choice"))
        function = {"type": "function", "function": {"name": name}}
        made["tool_choice"] = function if name in names else "auto"
    elif kind in ("auto", "any", "none"):
        made["tool_choice"] = {"any": "required"}.get(kind, kind)
    else:
        wrong("tool_choice.type", f"must be auto, any, tool or none, not {kind!r}")
    parallel = choice.get("disable_parallel_tool_use", raw.NULL)
    if kind != "none" and msgspec.json.decode(parallel) is True:
        made["parallel_tool_calls"] = False
    return {name: raw.of(value) for name, value in made.items()}
