"""A Responses request, read as the Chat Completions request that asks for the same.

    responses_items, _parts   the input as messages
    responses_tools           tools, and their names on the way back
    responses_stream          the answer: Chat's chunks as Responses' events
    responses_object          the response itself; responses_store keeps it

Fields that only Responses has are translated or left out (`ONLY_HERE`); all
others go on as they came, for adapting to the upstream is not done here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import chat, raw, responses_items, responses_tools
from idetour.wire.chat import ChatRequest, Translated
from idetour.wire.places import wrong
from idetour.wire.raw import Fields
from idetour.wire.responses_store import Store
from idetour.wire.responses_tools import Toolbox
from idetour.wire.turns import MOST, any_members, string

# What Chat Completions does not have, or has under another name.
ONLY_HERE = frozenset({
    "access_programs", "background", "client_metadata", "context_management", "conversation", "image", "include",
    "input", "instructions", "max_output_tokens", "max_tool_calls", "metadata", "moderation", "parallel_tool_calls",
    "previous_response_id", "prompt", "prompt_cache_options", "reasoning", "store", "stream_options", "text",
    "tool_choice", "tools", "top_logprobs", "truncation",
})  # fmt: skip
# What only OpenAI's own servers could do. To leave it out would be to answer something else.
REFUSED = {
    "background": "nothing runs on here when the answer is read: ask with `stream` instead",
    "conversation": "conversations are kept at OpenAI: send the whole input, or `previous_response_id`",
    "prompt": "prompt templates are kept at OpenAI: send the text as `instructions` and `input`",
}
LOGPROBS, SEALED = "message.output_text.logprobs", "reasoning.encrypted_content"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesAsked(Translated):
    """`resolved` is the whole conversation; `rewritten`: it is not the `input` that came; `kept`: the answer will be."""

    resolved: list[Raw]
    rewritten: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """`items` is the input that this request brought; `store`: the answer may be asked for later."""

    fields: Mapping[str, Raw]
    chat: ResponsesAsked
    items: list[Raw]
    tools: Toolbox
    store: bool
    sealed: bool  # whether the client keeps reasoning for us
    previous: str | None


def read(body: bytes, store: Store, *, default: str | None = None) -> ResponsesRequest:
    """Raises BadRequest, which says what is wrong and where. `default` is the model where none is named."""
    return request(chat.body_members(body), store, default=default)


def request(fields: Fields, store: Store, *, default: str | None = None) -> ResponsesRequest:
    """The same of a body whose members are known."""
    if not raw.blank(fields.get("background", raw.NULL)):
        refuse("background")
    items = listed(fields.get("input", raw.EMPTY_LIST if "prompt" in fields else raw.NULL))
    previous = string(fields.get("previous_response_id", raw.NULL)) or None
    before = store.conversation(previous) if previous else []
    resolved = store.resolved([*before, *items])
    kept = fields.get("store", raw.NULL) != Raw(b"false")
    sealed = SEALED in included(fields)
    tools, asked, refusal = Toolbox(), {"messages": raw.of(resolved or [{}])}, None
    try:
        tools, asked = spoken(fields, resolved, before=len(before))
    except BadRequest as error:
        refusal = error
    common = {name: fields[name] for name in ("model", "stream") if name in fields}
    read = chat.read(raw.encode(asked | common), default=default)
    made = ResponsesAsked(
        fields=read.fields,
        model=read.model,
        stream=read.stream,
        include_usage=True,
        native=fields,
        refusal=refusal,
        resolved=resolved,
        rewritten=resolved != items,
        kept=kept,
    )
    return ResponsesRequest(fields, made, items, tools, kept, sealed, previous)


def spoken(fields: Mapping[str, Raw], items: list[Raw], *, before: int) -> tuple[Toolbox, Fields]:
    """The tools, and the fields of the Chat request. Raises BadRequest for what Chat cannot say."""
    for name in REFUSED:
        if not raw.blank(fields.get(name, raw.NULL)):
            refuse(name)
    messages = responses_items.messages(items, fields.get("instructions", raw.NULL), before=before)
    if not messages:
        wrong("input", "is empty: there is nothing to answer")
    tools = responses_tools.read(fields)
    asked = {name: value for name, value in fields.items() if name not in ONLY_HERE}
    asked |= {**tools.fields, **translated(fields)}
    return tools, asked | {"messages": raw.of(messages), "stream_options": raw.of({"include_usage": True})}


def refuse(name: str) -> NoReturn:
    wrong(name, f"is not to be had here: {REFUSED[name]}")


def model(body: bytes) -> str:
    """The model that a body names, which need not be a request that we can read."""
    return string(any_members(Raw(body)).get("model", raw.NULL))


def misplaced(fields: Fields, *, default: str | None = None) -> ChatRequest | None:
    """The request of a client that sends Responses to the door of Chat, and wants its answer in Chat (Cursor does).

    None for all other bodies. Raises BadRequest.
    """
    if "messages" in fields or "input" not in fields:
        return None
    wants = any_members(fields.get("stream_options", raw.NULL)).get("include_usage") == Raw(b"true")
    asked = request(fields, Store(), default=default).chat
    if asked.refusal:
        raise asked.refusal
    return ChatRequest(asked.fields, asked.model, asked.stream, wants)


def listed(value: Raw) -> list[Raw]:
    """The items of the input; a string is what the user says. Raises BadRequest."""
    if raw.is_text(value):
        return [raw.of({"type": "message", "role": "user", "content": value})]
    try:
        found = raw.items(value)
    except ValueError:
        wrong("input", f"{'is missing: it ' if value == raw.NULL else ''}must be a string or a list of items")
    if len(found) > MOST:
        wrong("input", f"holds more than {MOST:,} items")
    return found


def translated(fields: Mapping[str, Raw]) -> Fields:
    """The fields that Chat has under other names."""
    text = any_members(fields.get("text", raw.NULL))
    reasoning = any_members(fields.get("reasoning", raw.NULL))
    made = {
        "max_completion_tokens": fields.get("max_output_tokens", raw.NULL),
        "reasoning_effort": reasoning.get("effort", raw.NULL),
        "verbosity": text.get("verbosity", raw.NULL),
        "response_format": format(any_members(text.get("format", raw.NULL))),
    }
    if LOGPROBS in included(fields):
        made |= {"logprobs": Raw(b"true"), "top_logprobs": fields.get("top_logprobs", raw.NULL)}
    return {name: value for name, value in made.items() if value != raw.NULL}


def format(asked: Fields) -> Raw:
    """Chat's `response_format`: a schema is flat here and nested there."""
    kind = string(asked.get("type", raw.NULL))
    if kind == "json_schema":
        schema = {key: value for key, value in asked.items() if key != "type" and value != raw.NULL}
        return raw.of({"type": kind, "json_schema": schema})
    return raw.NULL if kind in ("", "text") else raw.of({"type": kind})


def included(fields: Mapping[str, Raw]) -> list[str]:
    try:
        return msgspec.json.decode(fields.get("include", raw.EMPTY_LIST), type=list[str] | None) or []
    except ValueError:
        wrong("include", "must be a list of strings")
