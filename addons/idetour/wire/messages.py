"""A Messages request as Chat Completions: what Anthropic's clients ask, for upstreams that speak OpenAI's.

The pipeline knows Chat alone, so the request is translated before it and the
answer behind it (`messages_stream`, `messages_whole`). What has no word in Chat
is left out where that changes nothing (`service_tier`), and refused with its
place where it would.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import messages_tools, messages_turns, raw
from idetour.wire.chat import ChatRequest, Translated
from idetour.wire.places import blocks, members, objects, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

LONGEST_USER = 64  # characters of `user` at OpenAI; Claude Code's are longer
# Budget of thinking in tokens → the effort that comes nearest; as `upstreams/thinking.py` has it.
BUDGETS = ((2048, "low"), (8192, "medium"), (16384, "high"))
_SAME = ("temperature", "top_p", "top_k", "max_tokens")  # the same in both


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRequest(Translated):
    """`names` leads from names that were cut to the client's; `marks` has what is to be cached, by the message
    where it ends.
    """

    beta: str = ""  # the features that the request's header asks for
    names: Mapping[str, str]
    stops: tuple[str, ...]
    marks: Mapping[int, Raw] = field(default_factory=dict)

    def marked(self) -> Fields:
        """The Chat request with these marks, for upstreams that heed them."""
        if not self.marks:
            return self.fields
        conversation = objects(self.fields["messages"], "messages")
        for place, mark in self.marks.items():
            content = conversation[place].get("content", raw.NULL)
            if parts := blocks(content, f"messages[{place}].content"):
                parts[-1][messages_turns.MARKED] = mark
                conversation[place]["content"] = raw.of(parts)
        return self.fields | {"messages": raw.of(conversation)}


def translate(asked: ChatRequest, *, beta: str = "") -> MessagesRequest:
    """From what both protocols have in common (`chat.read` has read that): the rest. Never raises.

    What Chat cannot say is kept as `refusal`, for an upstream that speaks Messages may know it.
    """
    try:
        fields, names, stops, marks = chat_fields(asked.fields)
        refusal = None
    except BadRequest as error:
        fields, names, stops, marks = {"messages": asked.fields["messages"]}, {}, (), {}
        refusal = error
    return MessagesRequest(
        fields=fields | {"model": raw.of(asked.model), "stream": raw.of(asked.stream)},
        model=asked.model,
        stream=asked.stream,
        include_usage=True,
        native=asked.fields,
        beta=beta,
        names=names,
        stops=stops,
        marks=marks,
        refusal=refusal,
    )


def chat_fields(fields: Fields) -> tuple[Fields, dict[str, str], tuple[str, ...], dict[int, Raw]]:
    """The Chat request, the names that were cut, the stop sequences, and the marks for the cache. Raises BadRequest."""
    turns, mark = messages_turns.translate(fields), messages_turns.MARKED
    marks = {place: turn.pop(mark) for place, turn in enumerate(turns) if mark in turn}
    made = {"messages": raw.of(turns)}
    made |= {name: fields[name] for name in _SAME if fields.get(name, raw.NULL) != raw.NULL}
    tools, names = messages_tools.translate(fields)
    stops = _stops(fields.get("stop_sequences", raw.NULL))
    made |= tools | _thinking(fields) | _format(fields) | _user(fields)
    if stops:
        made["stop"] = raw.of(stops)
    return made, names, stops, marks


def _stops(value: Raw) -> tuple[str, ...]:
    try:
        return tuple(msgspec.json.decode(value, type=list[str] | None) or ())
    except ValueError:
        wrong("stop_sequences", "must be a list of strings")


def _thinking(fields: Fields) -> Fields:
    """The wish to think as `reasoning_effort`; that it should not is left in Anthropic's words, which many know."""
    wish = _object(fields, "thinking")
    effort = string(_object(fields, "output_config").get("effort", raw.NULL))
    kind = string(wish.get("type", raw.NULL))
    if kind == "disabled":
        return {"thinking": raw.of({"type": "disabled"})}
    if kind == "enabled" and not effort:
        budget = msgspec.json.decode(wish.get("budget_tokens", raw.NULL))
        if not isinstance(budget, int):
            wrong("thinking.budget_tokens", "must be a number of tokens")
        effort = next((name for most, name in BUDGETS if budget <= most), "xhigh")
    elif kind == "adaptive" and not effort:
        effort = "high"  # Anthropic's default
    return {"reasoning_effort": raw.of({"max": "xhigh"}.get(effort, effort))} if effort else {}


def _format(fields: Fields) -> Fields:
    """The schema that the answer is to have, by its newer and its older name."""
    wanted = _object(_object(fields, "output_config"), "format", "output_config.format")
    wanted = wanted or _object(fields, "output_format")
    if string(wanted.get("type", raw.NULL)) != "json_schema":
        return {}
    schema = members(wanted.get("schema", raw.NULL), "output_config.format.schema")
    described: dict[str, Any] = {"name": "answer", "schema": schema, "strict": True}
    return {"response_format": raw.of({"type": "json_schema", "json_schema": described})}


def _user(fields: Fields) -> Fields:
    """Who asked; a name that is too long for OpenAI becomes its digest, so that it stays the same one."""
    user = _object(fields, "metadata").get("user_id", raw.NULL)
    if not raw.has_text(user):
        return {}
    said = string(user)
    if len(said) <= LONGEST_USER:
        return {"user": user}
    return {"user": raw.of(hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest())}


def _object(fields: Fields, name: str, place: str = "") -> Fields:
    value = fields.get(name, raw.NULL)
    return {} if value == raw.NULL else members(value, place or name)
