"""A whole response of an upstream's as a Chat completion, and what a stream of its events shares with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import answer_members, any_objects
from idetour.wire.places import joined
from idetour.wire.raw import Fields
from idetour.wire.responses_stream import NATIVE
from idetour.wire.responses_up_items import FORMAT
from idetour.wire.turns import string

# The items that call a tool: the type of the call in Chat, and the member that holds what the tool is given.
CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
LENGTH, FILTERED = "length", "content_filter"
REASONS = {"max_output_tokens": LENGTH, "max_messages": LENGTH, "content_filter": FILTERED}


def completion(body: bytes, *, carry: bool = False) -> bytes:
    """The response as a completion; anything else as it came, for whoever looks for errors in it.

    `carry`: the response itself goes along in the member NATIVE.
    """
    try:
        fields = raw.fields(body)
    except ValueError:
        return body
    if fields.get("object") != Raw(b'"response"'):
        return body
    if string(fields.get("status", raw.NULL)) not in ("completed", "incomplete", ""):
        return failure(body)
    said = message(output(Raw(body)))
    choice = {"index": 0, "message": said, "finish_reason": finish(fields, calls="tool_calls" in said)}
    if likely := said.pop("logprobs", None):
        choice["logprobs"] = {"content": likely}
    made = about(Raw(body)) | {"object": "chat.completion", "choices": [choice]}
    used = spent(fields)
    return raw.encode(made | ({"usage": used} if used else {}) | ({NATIVE: fields} if carry else {}))


def about(response: Raw) -> dict[str, Any]:
    """What is the same in each chunk."""
    fields = answer_members(response)
    named = {"id": "id", "created": "created_at", "model": "model", "service_tier": "service_tier"}
    return {
        name: fields[theirs] for name, theirs in named.items() if fields.get(theirs, raw.NULL) != raw.NULL
    }


def output(response: Raw) -> list[Fields]:
    return any_objects(answer_members(response).get("output", raw.NULL))


@dataclass(slots=True)
class _Message:
    """Chat's one message while the items of an answer are gathered in it."""

    texts: list[Raw] = field(default_factory=list)
    refused: list[Raw] = field(default_factory=list)
    thoughts: list[Raw] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    likely: list[Fields] = field(default_factory=list)

    def take(self, item: Fields) -> None:
        kind = string(item.get("type", raw.NULL))
        if kind == "message":
            for part in any_objects(item.get("content", raw.NULL)):
                self.texts += _texts(part, "text")
                self.refused += _texts(part, "refusal")
                self.notes += annotations(any_objects(part.get("annotations", raw.NULL)))
                self.likely += any_objects(part.get("logprobs", raw.NULL))
        elif kind == "reasoning":
            self.thoughts.append(joined(_thoughts(item), rb"\n\n"))
            self.details += sealed(item, len(self.details))
        elif kind in CALLS:
            type, member = CALLS[kind]
            inner = {"name": item.get("name"), member: item.get(member, raw.EMPTY_TEXT)}
            self.calls.append({"id": item.get("call_id"), "type": type, type: inner})

    def whole(self) -> dict[str, Any]:
        said = {
            "refusal": joined(self.refused),
            "reasoning_content": joined(self.thoughts),
            "reasoning_details": self.details,
            "annotations": self.notes,
            "tool_calls": self.calls,
            "logprobs": self.likely,
        }
        made: dict[str, Any] = {"role": "assistant", "content": joined(self.texts) if self.texts else None}
        return made | {name: value for name, value in said.items() if value and value != raw.EMPTY_TEXT}


def message(items: Iterable[Fields]) -> dict[str, Any]:
    """All items of an answer as one message; `logprobs`, where there are any, belong to its choice."""
    made = _Message()
    for item in items:
        made.take(item)
    return made.whole()


def sealed(item: Fields, number: int) -> list[dict[str, Any]]:
    """A reasoning item as `reasoning_details`, counted from `number`, if it can be sent back."""
    data = item.get("encrypted_content", raw.NULL)
    if string(item.get("type", raw.NULL)) != "reasoning" or raw.blank(data):
        return []
    made: list[dict[str, Any]] = [{"type": "reasoning.summary", "summary": each} for each in _summary(item)]
    made.append({"type": "reasoning.encrypted", "data": data})
    shared = {"format": FORMAT} | ({"id": item["id"]} if raw.is_text(item.get("id", raw.NULL)) else {})
    return [each | shared | {"index": number + at} for at, each in enumerate(made)]


def annotations(found: Sequence[Fields]) -> list[dict[str, Any]]:
    """Citations: flat there, nested in Chat."""
    return [
        {
            "type": each["type"],
            "url_citation": {name: value for name, value in each.items() if name != "type"},
        }
        for each in found
        if each.get("type") == Raw(b'"url_citation"')
    ]


def finish(response: Fields, *, calls: bool) -> str:
    """Why it ended."""
    reason = string(answer_members(response.get("incomplete_details", raw.NULL)).get("reason", raw.NULL))
    if string(response.get("status", raw.NULL)) == "incomplete":
        return REASONS.get(reason, LENGTH)
    return "tool_calls" if calls else "stop"


def spent(response: Fields) -> dict[str, Any] | None:
    """The usage in Chat's names; both count cached tokens in."""
    said = raw.value(response.get("usage", raw.NULL))
    if not isinstance(said, dict):
        return None
    return {
        "prompt_tokens": said.get("input_tokens", 0),
        "completion_tokens": said.get("output_tokens", 0),
        "total_tokens": said.get("total_tokens", 0),
        "prompt_tokens_details": said.get("input_tokens_details") or {},
        "completion_tokens_details": said.get("output_tokens_details") or {},
    }


def failure(body: bytes) -> bytes:
    """The error that an event or a response holds, in Chat's shape. `type` there is the event's, and says nothing."""
    try:
        fields = raw.fields(raw.utf8(body))
    except ValueError:
        return body
    said = answer_members(fields.get("response", raw.NULL)) or fields
    inner = answer_members(said.get("error", raw.NULL)) or said
    known = ("message", "code", "param", *(() if inner is said else ("type",)))
    error = {name: inner[name] for name in known if name in inner}
    if raw.blank(error.get("message", raw.NULL)):
        status = string(said.get("status", raw.NULL)) or "failed"
        error["message"] = raw.of(f"the response has ended as {status}")
    return raw.encode({"error": error})


def _texts(part: Fields, name: str) -> list[Raw]:
    return [part[name]] if raw.is_text(part.get(name, raw.NULL)) else []


def _summary(item: Fields) -> list[Raw]:
    return [each for part in any_objects(item.get("summary", raw.NULL)) for each in _texts(part, "text")]


def _thoughts(item: Fields) -> list[Raw]:
    """What it thought in words, or else the summary of it."""
    told = [each for part in any_objects(item.get("content", raw.NULL)) for each in _texts(part, "text")]
    return told or _summary(item)
