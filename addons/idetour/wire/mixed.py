"""A Chat request in which parts of another protocol stand, or all of it: told in Chat's words.

Some IDEs put the tools of Responses or Messages into a Chat body, or turns with
the blocks of Messages, or send a whole body of Responses (Cursor does all three).
An upstream would answer 400. Where the tools are Chat's, as in most requests,
nothing else is looked into: each look at a conversation of megabytes takes milliseconds.
"""

import re
from dataclasses import replace

from msgspec import Raw

from idetour.wire import chat, messages_tools, messages_turns, raw, responses, responses_tools
from idetour.wire.chat import ChatRequest
from idetour.wire.places import blocks, objects, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import kind

_NESTED = re.compile(rb'"(?:function|custom)"\s*:')  # how Chat has a tool; it stands near the beginning
_FLAT = ("function", "custom", "namespace")  # types of Responses' tools that a client runs
_TURNS = re.compile(rb'"type"\s*:\s*"tool_(?:use|result)"')  # inside a string the quotes would be escaped
_PARTS = b'"type"'  # every part of a message has one; a string has no parts
_CHOICE = "tool_choice"


def read(body: bytes, *, default: str | None = None) -> ChatRequest:
    """As `chat.read`, with what is not Chat's translated. Raises BadRequest, which names the place."""
    members = chat.body_members(body)
    if request := responses.misplaced(members, default=default):
        return request
    request = chat.request(members, default=default)
    offered = request.fields.get("tools", raw.NULL)
    if not raw.blank(offered) and _NESTED.search(offered):
        return request
    fields = _conversation(request.fields if raw.blank(offered) else _tools(request.fields))
    return request if fields is request.fields else replace(request, fields=fields)


def _tools(fields: Fields) -> Fields:
    tools = objects(fields["tools"], "tools")
    rest = _without(fields, "tools", _CHOICE)
    if any("input_schema" in tool for tool in tools):
        word = {_CHOICE: fields[_CHOICE]} if raw.is_text(fields.get(_CHOICE, raw.NULL)) else {}
        made, cut = messages_tools.translate(_without(fields, *word))
        if cut:  # the answer would call it by a name that the client does not know
            wrong("tools", f"holds a name that is too long for Chat: {next(iter(cut.values()))}")
        return rest | made | word
    if any(kind(tool) in _FLAT for tool in tools):
        return rest | dict(responses_tools.read(fields).fields)
    return fields  # an upstream's own


def _conversation(fields: Fields) -> Fields:
    """Calls and results show a conversation of Messages; else its pictures and its system prompt may stand in one of Chat."""
    messages = bytes(fields["messages"])
    if _PARTS in messages:
        if b'"tool_' in messages and _TURNS.search(messages):
            turns = [_without(turn, messages_turns.MARKED) for turn in messages_turns.translate(fields)]
            return _without(fields, "system") | {"messages": raw.of(turns)}
        if b'"source"' in messages:
            fields = fields | {"messages": _shown(fields["messages"])}
    if raw.blank(fields.get("system", raw.NULL)):
        return fields
    first = raw.of({"role": "system", "content": fields["system"]})
    return _without(fields, "system") | {"messages": raw.of([first, *raw.items(fields["messages"])])}


def _shown(messages: Raw) -> Raw:
    """With the pictures and documents of Messages as Chat has them; messages without stay the bytes they were."""
    made: list[Raw] = []
    for number, (said, message) in enumerate(
        zip(raw.items(messages), objects(messages, "messages"), strict=True)
    ):
        place = f"messages[{number}].content"
        content = message.get("content", raw.NULL)
        parts = blocks(content, place) if raw.kind(content) == b"[" else []
        if not any("source" in part for part in parts):
            made.append(said)
            continue
        shown = [
            each
            for at, part in enumerate(parts)
            for each in (messages_turns.part(part, f"{place}[{at}]") if "source" in part else [part])
        ]
        made.append(raw.of(message | {"content": raw.of(shown)}))
    return raw.of(made)


def _without(fields: Fields, *names: str) -> Fields:
    return {name: value for name, value in fields.items() if name not in names}
