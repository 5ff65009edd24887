"""A Chat Completions request as Ollama's own `/api/chat`, which takes what its `/v1` ignores.

    max_tokens, temperature, stop, seed …     `options`, by Ollama's names; `num_ctx` and others as they are
    response_format                           `format`
    tool_choice                               which tools are offered: there is no other way to say it
    think, keep_alive, options                as they are, for who means Ollama

https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from idetour.wire import ollama_turns, raw
from idetour.wire.places import members, objects, text, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

OPTIONS: Mapping[str, str] = {  # Chat's names and those of servers like it → Ollama's
    "max_completion_tokens": "num_predict",
    "max_tokens": "num_predict",
    "repetition_penalty": "repeat_penalty",
} | {
    name: name
    for name in (
        *("temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop", "num_ctx", "num_predict"),
        *("presence_penalty", "frequency_penalty", "repeat_penalty", "repeat_last_n", "num_keep"),
        *("num_batch", "num_gpu", "num_thread"),
    )
}
OWN = ("model", "stream", "think", "keep_alive", "logprobs", "top_logprobs", "truncate", "shift")


def write(fields: Fields) -> Fields:
    """The body's members. Raises BadRequest for what has no word there."""
    if fields.get("n", raw.NULL) not in (raw.NULL, Raw(b"1")):
        wrong("n", "must be 1: Ollama gives one answer")
    made: dict[str, Any] = {name: fields[name] for name in OWN if fields.get(name, raw.NULL) != raw.NULL}
    made["messages"] = ollama_turns.translate(fields["messages"])
    if options := _options(fields):
        made["options"] = options
    made |= _format(fields) | _tools(fields)
    return {name: value if isinstance(value, Raw) else raw.of(value) for name, value in made.items()}


def _options(fields: Fields) -> Fields:
    """Those that are given by Ollama's own names win."""
    made = {OPTIONS[name]: fields[name] for name in OPTIONS if fields.get(name, raw.NULL) != raw.NULL}
    stop = made.get("stop", raw.NULL)
    if raw.is_text(stop):
        made["stop"] = raw.of([stop])
    given = fields.get("options", raw.NULL)
    return made if given == raw.NULL else made | members(given, "options")


def _format(fields: Fields) -> dict[str, Any]:
    asked = fields.get("response_format", raw.NULL)
    wanted = {} if asked == raw.NULL else members(asked, "response_format")
    kind = string(wanted.get("type", raw.NULL))
    if kind == "json_schema":
        described = members(wanted.get("json_schema", raw.NULL), "response_format.json_schema")
        return {"format": members(described.get("schema", raw.NULL), "response_format.json_schema.schema")}
    return {"format": "json"} if kind == "json_object" else {}


def _tools(fields: Fields) -> dict[str, Any]:
    """The functions that may be called. One that must be is the only one; that some must be cannot be said."""
    asked, choice = fields.get("tools", raw.NULL), fields.get("tool_choice", raw.NULL)
    tools = [] if raw.blank(asked) else objects(asked, "tools")
    found = {}
    for number, tool in enumerate(tools):
        place = f"tools[{number}].function"
        function = members(tool.get("function", raw.NULL), place)
        found[string(text(function, "name", place))] = {"type": "function", "function": function}
    if string(choice) == "none":
        return {}
    if raw.kind(choice) == b"{":
        function = members(
            members(choice, "tool_choice").get("function", raw.EMPTY_OBJECT), "tool_choice.function"
        )
        named = string(function.get("name", raw.NULL))
        found = {named: found[named]} if named in found else found
    return {"tools": [*found.values()]} if found else {}


def number(fields: Fields, name: str) -> int | None:
    """A number among `options`."""
    options = msgspec.json.decode(fields.get("options", raw.EMPTY_OBJECT))
    value = options.get(name) if isinstance(options, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def sized(fields: Fields, window: int) -> Fields:
    """With a window of so many tokens."""
    options = raw.fields(fields.get("options", raw.EMPTY_OBJECT))
    return fields | {"options": raw.of(options | {"num_ctx": raw.of(window)})}
