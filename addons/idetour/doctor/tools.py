"""A tool call and back, as agents do it: the call arrives in one piece, its result is taken, words follow.

Without --model the demo is asked, which proves idetour's part and costs nothing.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from idetour.doctor.chat import Choice, choices, has_content
from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road
from idetour.errors import SetupError

ASKED = {"role": "user", "content": "What is the weather in Paris? Use the tool."}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
RESULT = "18 degrees, sunny"


def assembled(stream: Iterable[Choice]) -> tuple[dict[str, Any], str | None]:
    """The message that the deltas make, and the finish reason. Raises SetupError for a call without an index."""
    text, calls, finish = "", dict[int, dict[str, Any]](), None
    for choice in stream:
        delta = choice.get("delta") or {}
        text += delta.get("content") or ""
        finish = choice.get("finish_reason") or finish
        for part in delta.get("tool_calls") or ():
            if not isinstance(part.get("index"), int):
                raise SetupError("a part of a tool call has no index")
            call = calls.setdefault(
                part["index"], {"type": "function", "function": {"name": "", "arguments": ""}}
            )
            call["id"] = part.get("id") or call.get("id")
            for name in ("name", "arguments"):
                call["function"][name] += (part.get("function") or {}).get(name) or ""
    made: dict[str, Any] = {"role": "assistant", "content": text or None}
    return made | ({"tool_calls": [calls[index] for index in sorted(calls)]} if calls else {}), finish


def fault(message: dict[str, Any], finish: str | None) -> str | None:
    """What an agent would stumble over in an answer with a call."""
    if finish != "tool_calls":
        return f"it ends with finish_reason {finish}, not tool_calls"
    for call in message["tool_calls"]:
        if not call["id"]:
            return "the call has no id"
        try:
            arguments = json.loads(call["function"]["arguments"])
        except ValueError:
            return f"its arguments are no JSON: {call['function']['arguments'][:80]!r}"
        if call["function"]["name"] != "get_weather" or not isinstance(arguments, dict):
            return f"it calls {call['function']['name']!r} with {arguments!r}"
    return None


def look(road: Road) -> Iterator[Finding]:
    name = road.model or "demo/tools"
    try:
        yield there_and_back(road, name)
    except SetupError as error:
        yield broken(f"{name}: no tool call and back: {error}", "Try another model with --model.")


def there_and_back(road: Road, name: str) -> Finding:
    """Raises SetupError. Of the words after the result the first is enough."""
    body = {"model": name, "tools": [TOOL]}
    message, finish = assembled(choices(road, {**body, "messages": [ASKED]}))
    if "tool_calls" not in message:
        return note(
            f"{name}: it answered without the tool", "Not every model calls tools: try another with --model."
        )
    if wrong := fault(message, finish):
        return broken(
            f"{name}: a tool is called, but {wrong}", "Agents will fail with this model: try another."
        )
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in message["tool_calls"]
    ]
    if not any(map(has_content, choices(road, {**body, "messages": [ASKED, message, *results]}))):
        return note(f"{name}: a tool call and its result go through, but no word comes after it")
    return ok(f"{name}: a tool is called, and its result is taken")


HOP = Hop(name="tools", look=look, needs=("stream",))
