"""A Chat Completions request as Anthropic's Messages: for upstreams that speak that.

What the catalog says of a model (its limits, which sampling it refuses, how it
is told to think) has been applied before, in Chat's fields. Here is only what
the protocols differ in; the conversation is in `anthropic_turns`.
"""

from typing import Any

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import anthropic_turns, raw
from idetour.wire.places import members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

# The newest version, 2026-10-21, refuses sampling parameters even from those who may set them.
VERSION = "2023-06-01"
MAX_TOKENS = 8192  # where nobody says: Anthropic has no default
LEAST_BUDGET = 1024  # tokens of thought
# Anthropic's own fields, which only somebody who means Anthropic sends.
OWN = (
    *("top_k", "thinking", "output_config", "cache_control", "context_management"),
    *("container", "mcp_servers", "speed", "inference_geo"),
)


def write(fields: Fields, *, prefill: bool = False, forced: bool = True) -> Fields:
    """The body's members. Raises BadRequest for what has no word there.

    `prefill`: whether the model continues an answer that was begun for it; `forced`:
    whether it can be made to call a tool.
    """
    if _number(fields, "n") not in (None, 1):
        wrong("n", "must be 1: Anthropic's models give one answer")
    conversation = anthropic_turns.translate(fields["messages"], prefill=prefill)
    made: dict[str, Any] = {name: fields[name] for name in ("model", "stream") if name in fields}
    stated = _number(fields, "max_completion_tokens") or _number(fields, "max_tokens")
    made["max_tokens"] = stated or MAX_TOKENS
    if conversation.system:
        made["system"] = conversation.system
    made["messages"] = conversation.turns
    made |= {name: fields[name] for name in OWN if fields.get(name, raw.NULL) != raw.NULL}
    made |= _sampling(fields) | _format(fields, made) | _stops(fields) | _user(fields)
    thinks = _think(made, signed=conversation.signed)
    made |= _tools(fields, forced=forced and not thinks)
    return {name: value if isinstance(value, Raw) else raw.of(value) for name, value in made.items()}


def _think(made: dict[str, Any], *, signed: bool) -> bool:
    """Whether the model thinks within a budget, which binds other fields.

    The budget has to leave room for the answer, nothing samples otherwise, and the
    calls that are being answered have to begin with the thoughts that led to them:
    where those are lost, it answers without.
    """
    wish = members(made["thinking"], "thinking") if "thinking" in made else {}
    if wish.get("type") != Raw(b'"enabled"'):
        return False
    if not signed:
        del made["thinking"]
        return False
    budget = max(_number(wish, "budget_tokens") or LEAST_BUDGET, LEAST_BUDGET)
    made["thinking"] = raw.of(wish | {"budget_tokens": budget})
    if made["max_tokens"] <= budget:
        made["max_tokens"] += budget
    for name in ("temperature", "top_p", "top_k"):
        made.pop(name, None)
    return True


def _sampling(fields: Fields) -> dict[str, Any]:
    """`temperature` up to 1, or `top_p`: Claude takes one of the two, and IDEs send both."""
    warmth, nucleus = _number(fields, "temperature"), fields.get("top_p", raw.NULL)
    if warmth is not None:
        return {"temperature": min(warmth, 1)}
    return {} if nucleus == raw.NULL else {"top_p": nucleus}


def _format(fields: Fields, made: dict[str, Any]) -> dict[str, Any]:
    """The schema that the answer is to have. `json_object` names none: the prompt has to ask for JSON anyway."""
    asked = fields.get("response_format", raw.NULL)
    wanted = {} if asked == raw.NULL else members(asked, "response_format")
    if string(wanted.get("type", raw.NULL)) != "json_schema":
        return {}
    described = members(wanted.get("json_schema", raw.NULL), "response_format.json_schema")
    schema = members(described.get("schema", raw.NULL), "response_format.json_schema.schema")
    config = members(made["output_config"], "output_config") if "output_config" in made else {}
    return {"output_config": config | {"format": {"type": "json_schema", "schema": schema}}}


def _stops(fields: Fields) -> dict[str, Any]:
    """Anthropic refuses stop sequences of nothing but space."""
    try:
        asked = msgspec.json.decode(fields.get("stop", raw.NULL), type=list[str] | str | None)
    except ValueError:
        wrong("stop", "must be a string or a list of strings")
    stops = [asked] if isinstance(asked, str) else asked or []
    kept = [each for each in stops if each.strip()]
    return {"stop_sequences": kept} if kept else {}


def _user(fields: Fields) -> dict[str, Any]:
    """Who asks; never an address, which Anthropic does not want to know."""
    name = string(fields.get("user", raw.NULL)) or string(fields.get("safety_identifier", raw.NULL))
    return {"metadata": {"user_id": name}} if name and "@" not in name else {}


def _tools(fields: Fields, *, forced: bool) -> dict[str, Any]:
    asked = fields.get("tools", raw.NULL)
    tools = [] if raw.blank(asked) else objects(asked, "tools")
    made = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools)]
    if raw.blank(asked) and not raw.blank(fields.get("functions", raw.NULL)):  # the older name
        functions = objects(fields["functions"], "functions")
        made = [_function(each, f"functions[{number}]") for number, each in enumerate(functions)]
    return {"tools": made} | _choice(fields, forced=forced) if made else {}


def _tool(tool: Fields, place: str) -> dict[str, Any]:
    """A function; or one of Anthropic's own tools, as somebody who means Anthropic sends them."""
    kind = word(tool, "type", place)
    if kind != "function":
        return dict(tool)
    made = _function(members(tool.get("function", raw.NULL), f"{place}.function"), f"{place}.function")
    return made | {name: tool[name] for name in ("cache_control",) if name in tool}


def _function(function: Fields, place: str) -> dict[str, Any]:
    given = function.get("parameters", raw.NULL)
    schema = {} if given == raw.NULL else members(given, f"{place}.parameters")
    made: dict[str, Any] = {"name": text(function, "name", place)}
    if raw.is_text(function.get("description", raw.NULL)):
        made["description"] = function["description"]
    made["input_schema"] = {"type": Raw(b'"object"'), "properties": raw.EMPTY_OBJECT} | schema
    if function.get("strict") == Raw(b"true"):
        made["strict"] = True
    return made


def _choice(fields: Fields, *, forced: bool) -> dict[str, Any]:
    """Who calls: a model that cannot be forced is left to choose."""
    asked = fields.get("tool_choice", fields.get("function_call", raw.NULL))
    made: dict[str, Any] = {}
    if raw.is_text(asked):
        kind = {"required": "any"}.get(string(asked), string(asked))
        if kind not in ("auto", "any", "none"):
            raise BadRequest("`tool_choice` must be auto, none, required or a tool", param="tool_choice")
        made = {"type": kind}
    elif asked != raw.NULL:
        choice = members(asked, "tool_choice")
        inner = members(choice["function"], "tool_choice.function") if "function" in choice else choice
        made = {"type": "tool", "name": word(inner, "name", "tool_choice.function")}
    if made.get("type") in ("any", "tool") and not forced:
        made = {"type": "auto"}
    if fields.get("parallel_tool_calls") == Raw(b"false") and made.get("type") != "none":
        made = {"type": "auto"} | made | {"disable_parallel_tool_use": True}
    return {"tool_choice": made} if made else {}


def _number(fields: Fields, name: str) -> Any:
    value = msgspec.json.decode(fields.get(name, raw.NULL))
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        wrong(name, "must be a number")
    return value
