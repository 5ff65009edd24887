"""The input of a Responses request as the messages of Chat Completions.

There a conversation is a flat list of items; here what a model said in one turn
is one message. So items are gathered in a *turn* until somebody else speaks:

    reasoning, function_call, message (assistant) …    → one assistant message
    function_call_output                               → its tool message, right behind the call

A tool's result is looked up ahead, because Chat wants it before anything else
is said; pictures in it follow in a user message, because a tool message holds
text alone. Reasoning is kept only in a turn that calls tools: there some models
insist on it, elsewhere their templates drop it.
"""

import re
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Raw

from idetour.wire import raw, responses_parts
from idetour.wire.assembly import any_objects
from idetour.wire.places import wrong
from idetour.wire.raw import Fields
from idetour.wire.responses_reasoning import unsealed
from idetour.wire.responses_tools import joined
from idetour.wire.turns import string

type Message = dict[str, object]

CALLS, RESULTS = ("function_call", "custom_tool_call"), ("function_call_output", "custom_tool_call_output")
# Items of tools that OpenAI runs: other models know nothing of them (responses_tools.py).
FOREIGN = re.compile(
    r"\w+_call(_output)?|mcp_\w+|tool_search\w*|compaction\w*|program\w*|additional_tools|configuration_update"
)


class Item(msgspec.Struct, kw_only=True):
    """As much of an item as Chat has words for."""

    type: str | None = None
    role: str | None = None
    content: Raw = raw.NULL
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: Raw = raw.NULL
    input: Raw = raw.NULL
    output: Raw = raw.NULL
    summary: Raw = raw.NULL
    encrypted_content: Raw = raw.NULL
    tool_call_id: str | None = None  # Chat's own words, which some IDEs mix in
    tool_calls: Raw = raw.NULL


_item = msgspec.json.Decoder(Item)


@dataclass(slots=True)
class Turn:
    """What the model said until somebody else spoke. `calls` are by id, each with the number of its item."""

    texts: list[Raw] = field(default_factory=list)
    calls: dict[str, tuple[int, Fields]] = field(default_factory=dict)
    thoughts: list[Raw] = field(default_factory=list)
    details: list[Raw] = field(default_factory=list)

    def message(self) -> Message | None:
        if not self.texts and not self.calls:
            return None
        made: Message = {
            "role": "assistant",
            "content": responses_parts.text(self.texts) if self.texts else None,
        }
        if self.calls:
            made["tool_calls"] = [call for _, call in self.calls.values()]
            if self.thoughts:
                made["reasoning_content"] = responses_parts.one_text(self.thoughts)
            if self.details:
                made["reasoning_details"] = self.details
        return made


def read(value: Raw, place: str) -> Item:
    """One item. Raises BadRequest with its place."""
    try:
        item = _item.decode(value)
    except (ValueError, RecursionError) as error:
        what, _, where = str(error).partition(" - at `$")
        wrong(f"{place}{where.rstrip('`')}", f"cannot be read: {what[:1].lower()}{what[1:]}")
    if item.tool_call_id and item.role == "tool":
        return Item(type="function_call_output", call_id=item.tool_call_id, output=item.content)
    if not item.type and not item.role:
        wrong(place, "has neither a `type` nor a `role`")
    return item


def messages(items: Sequence[Raw], instructions: Raw, *, before: int = 0) -> list[Message]:
    """The whole conversation. Raises BadRequest.

    The first `before` items come from earlier requests.
    """
    places = ("previous_response_id" if n < before else f"input[{n - before}]" for n in range(len(items)))
    talk = Talk(list(zip(places, items, strict=True)))
    if raw.is_text(instructions):
        talk.leading.append(instructions)
    return talk.read()


class Talk:
    """A conversation while it is translated: items in, one turn at a time, messages out."""

    def __init__(self, items: Sequence[tuple[str, Raw]]) -> None:
        self.leading: list[Raw] = []  # what comes before anybody speaks, as one system message
        self._places = [place for place, _ in items]
        self._items = [read(value, place) for place, value in items]
        self._results: dict[str, deque[int]] = defaultdict(deque)  # by call id, what is not yet told
        for number, item in enumerate(self._items):
            if item.type in RESULTS:
                self._results[item.call_id or ""].append(number)
        self._turn = Turn()
        self._made: list[Message] = []

    def read(self) -> list[Message]:
        for number, item in enumerate(self._items):
            self._take(number, item)
        self._close()
        head: Message = {"role": "system", "content": responses_parts.one_text(self.leading)}
        return [head, *self._made] if self.leading else self._made

    def _take(self, number: int, item: Item) -> None:
        kind, place = item.type or "message", self._places[number]
        if kind == "message":
            self._say(number, item)
        elif kind in CALLS:
            self._call(number, item)
        elif kind in RESULTS:
            self._close()
            if number in self._results[item.call_id or ""]:  # of no call
                self._orphan(number, item)
        elif kind == "reasoning":
            self._turn.thoughts += responses_parts.thoughts(item.summary, item.content)
            self._turn.details += unsealed(item.encrypted_content)
        elif not FOREIGN.fullmatch(kind):
            wrong(f"{place}.type", f"is {kind!r}, which is not known here")

    def _say(self, number: int, item: Item) -> None:
        place = f"{self._places[number]}.content"
        if item.role == "assistant":
            self._turn.texts += responses_parts.texts(item.content, place)
            for call in any_objects(item.tool_calls):
                self._add(number, string(call.get("id", raw.NULL)), call)
        elif item.role in ("system", "developer") and not self._made and not self._spoken:
            self.leading += responses_parts.texts(item.content, place)
        elif item.role in ("user", "system", "developer"):
            self._close()
            self._made.append({"role": item.role, "content": responses_parts.content(item.content, place)})
        else:
            must = "must be user, assistant, system or developer"
            wrong(f"{self._places[number]}.role", f"{must}, not {item.role!r}")

    @property
    def _spoken(self) -> bool:
        return bool(self._turn.texts or self._turn.calls)

    def _call(self, number: int, item: Item) -> None:
        place = self._places[number]
        if not item.call_id or not item.name:
            wrong(f"{place}.{'name' if item.call_id else 'call_id'}", "is missing")
        arguments = responses_parts.as_text(item.arguments)
        if item.type == "custom_tool_call":
            arguments = raw.of(raw.encode({"input": responses_parts.as_text(item.input)}).decode())
        function = {"name": joined(item.name, item.namespace or ""), "arguments": arguments}
        call = {"id": raw.of(item.call_id), "type": raw.of("function"), "function": raw.of(function)}
        self._add(number, item.call_id, call)

    def _add(self, number: int, id: str, call: Fields) -> None:
        if id in self._turn.calls:
            wrong(self._places[number], f"holds the call {id!r}, and so does another item of the same turn")
        self._turn.calls[id] = (number, call)

    def _close(self) -> None:
        """End the model's turn: its message, then what its tools returned, then the pictures among that."""
        turn, self._turn = self._turn, Turn()
        if message := turn.message():
            self._made.append(message)
        shown: list[Fields] = []
        for id, (number, _) in turn.calls.items():
            if not self._results[id]:
                wrong(self._places[number], f"holds the call {id!r}, and no item brings its output")
            found = self._results[id].popleft()
            text, pictures = responses_parts.result(
                self._items[found].output, f"{self._places[found]}.output"
            )
            self._made.append({"role": "tool", "tool_call_id": id, "content": text})
            shown += [responses_parts.caption(id), *pictures] if pictures else []
        if shown:
            self._made.append({"role": "user", "content": shown})

    def _orphan(self, number: int, item: Item) -> None:
        """A result whose call was cut off, as some clients do to save tokens: told as text, so that it is not lost."""
        self._results[item.call_id or ""].remove(number)
        text, pictures = responses_parts.result(item.output, f"{self._places[number]}.output")
        told = [responses_parts.caption(item.call_id or "?"), responses_parts.text_part(text), *pictures]
        self._made.append({"role": "user", "content": told})
