"""A Chat Completions request as one for Responses: for upstreams that have models which only that serves.

    responses_up_items    the conversation as items
    responses_up_stream   the answer's events as Chat's chunks
    responses_up_whole    a whole response as a completion

Nothing is kept at the upstream (`store: false`), so any other upstream can go
on with the conversation; what a model needs of its own reasoning comes along
sealed (`reasoning.encrypted_content`). What Responses has no word for is left
out (`stop`, `seed`, penalties, `logit_bias`).
"""

from typing import Any

import msgspec
from msgspec import Raw

from idetour.wire import raw, responses_up_items
from idetour.wire.places import members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.responses import LOGPROBS, SEALED
from idetour.wire.responses_tools import FUNCTION
from idetour.wire.turns import string

LEAST_OUTPUT = 16  # tokens; less is refused
# What both have under one name, and Responses' own fields, which only somebody who means it sends.
SAME = (
    *("model", "stream", "temperature", "top_p", "parallel_tool_calls", "metadata", "service_tier", "user"),
    *("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "top_logprobs"),
    *("max_tool_calls", "truncation", "context_management", "moderation"),
)  # fmt: skip


def write(fields: Fields, *, sealed: bool) -> Fields:
    """The body's members. Raises BadRequest for what has no word there.

    `sealed`: whether to ask for the reasoning, to send it back in the next turn.
    """
    if fields.get("n", raw.NULL) not in (raw.NULL, Raw(b"1")):
        wrong("n", "must be 1: Responses has one answer")
    made: dict[str, Any] = {name: fields[name] for name in SAME if fields.get(name, raw.NULL) != raw.NULL}
    made |= responses_up_items.translate(fields["messages"])
    made |= _limit(fields) | _reasoning(fields) | _text(fields) | _tools(fields)
    included = [LOGPROBS] if fields.get("logprobs") == Raw(b"true") else []
    included += [SEALED] if sealed else []
    if included:
        made["include"] = included
    made["store"] = False
    return {name: value if isinstance(value, Raw) else raw.of(value) for name, value in made.items()}


def _limit(fields: Fields) -> dict[str, Any]:
    for name in ("max_completion_tokens", "max_tokens"):
        given = msgspec.json.decode(fields.get(name, raw.NULL))
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int):
            wrong(name, "must be a number of tokens")
        return {"max_output_tokens": max(given, LEAST_OUTPUT)}
    return {}


def _reasoning(fields: Fields) -> dict[str, Any]:
    """`reasoning` as a profile may have it (`summary: auto`), with the effort that is wished for."""
    given = fields.get("reasoning", raw.NULL)
    made: dict[str, Any] = {} if given == raw.NULL else members(given, "reasoning")
    if raw.is_text(effort := fields.get("reasoning_effort", raw.NULL)):
        made["effort"] = effort
    return {"reasoning": made} if made else {}


def _text(fields: Fields) -> dict[str, Any]:
    """How the answer is to look. A schema is nested in Chat and flat here."""
    asked = fields.get("response_format", raw.NULL)
    wanted = {} if asked == raw.NULL else members(asked, "response_format")
    made: dict[str, Any] = {}
    if string(wanted.get("type", raw.NULL)) == "json_schema":
        schema = members(wanted.get("json_schema", raw.NULL), "response_format.json_schema")
        made["format"] = {"type": wanted["type"]} | schema
    elif wanted:
        made["format"] = wanted
    if raw.is_text(verbosity := fields.get("verbosity", raw.NULL)):
        made["verbosity"] = verbosity
    return {"text": made} if made else {}


def _tools(fields: Fields) -> dict[str, Any]:
    asked, older = fields.get("tools", raw.NULL), fields.get("functions", raw.NULL)
    tools = [] if raw.blank(asked) else objects(asked, "tools")
    made = [_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools)]
    if not made and not raw.blank(older):
        functions = objects(older, "functions")
        made = [_function(each, f"functions[{number}]") for number, each in enumerate(functions)]
    return {"tools": made} | _choice(fields) if made else {}


def _tool(tool: Fields, place: str) -> Fields | dict[str, Any]:
    """A function, a tool that takes free text; or one of OpenAI's own, as somebody who means Responses sends it."""
    kind = word(tool, "type", place)
    if kind == "function":
        return _function(members(tool.get("function", raw.NULL), f"{place}.function"), f"{place}.function")
    if kind == "custom" and "custom" in tool:
        return {"type": "custom"} | members(tool["custom"], f"{place}.custom")
    return tool


def _function(function: Fields, place: str) -> dict[str, Any]:
    """Chat's functions are not strict unless they say so; those of Responses are."""
    text(function, "name", place)
    said = {name: function[name] for name in FUNCTION if function.get(name, raw.NULL) != raw.NULL}
    return {"type": "function", "parameters": None, "strict": False} | said


def _choice(fields: Fields) -> dict[str, Any]:
    asked = fields.get("tool_choice", fields.get("function_call", raw.NULL))
    if asked == raw.NULL or raw.is_text(asked):
        return {} if asked == raw.NULL else {"tool_choice": asked}
    choice = members(asked, "tool_choice")
    kind = string(choice.get("type", raw.NULL)) or "function"
    if kind == "allowed_tools":
        inner = members(choice.get(kind, raw.NULL), f"tool_choice.{kind}")
        allowed = objects(inner.get("tools", raw.NULL), f"tool_choice.{kind}.tools")
        return {"tool_choice": {"type": kind, **inner, "tools": [_named(each) for each in allowed]}}
    return {"tool_choice": _named(choice)}


def _named(choice: Fields) -> dict[str, Any]:
    """A tool that is referred to; the oldest way gives nothing but the name."""
    kind = string(choice.get("type", raw.NULL)) or "function"
    if kind not in ("function", "custom"):
        return dict(choice)
    inner = members(choice[kind], f"tool_choice.{kind}") if kind in choice else choice
    return {"type": kind, "name": text(inner, "name", f"tool_choice.{kind}")}
