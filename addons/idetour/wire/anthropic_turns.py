"""A Chat conversation as Anthropic's system prompt and turns.

    system, developer     at the beginning: `system`; later: text of the user's, marked as what it is
    assistant             its signed thoughts, its text, its calls, in this order
    tool                  results, at the beginning of the user's next turn, one for each call
    user                  after the results; neighbours of one role are one turn

Anthropic wants the first turn to be the user's, each call answered in the turn
after it, no result without a call, no id twice and no empty text. Thoughts
without a signature are left out, for one that is made up would be refused.
"""

from dataclasses import dataclass, field

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.anthropic_parts import blank, blocks
from idetour.wire.assembly import any_objects
from idetour.wire.messages_names import wrap
from idetour.wire.messages_stream import CLAUDE
from idetour.wire.messages_turns import NO_OUTPUT, NO_RESULT
from idetour.wire.messages_whole import input_of
from idetour.wire.places import calls, members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

type Block = dict[str, object]

GO_ON = "Continue."  # for models that do not continue an answer which was begun for them
NOBODY = "."  # the first word, where the user says none

_SYSTEM = ("system", "developer")


@dataclass(slots=True)
class Conversation:
    """`signed`: whether Claude's last turn begins with a thought of its own, or calls nothing."""

    system: list[Block] = field(default_factory=list)
    turns: list[dict[str, object]] = field(default_factory=list)
    signed: bool = True


@dataclass(slots=True)
class _User:
    """The user's turn while it is gathered: results go first, whenever they come."""

    results: list[Block] = field(default_factory=list)
    rest: list[Block] = field(default_factory=list)

    def blocks(self) -> list[Block]:
        return self.results + self.rest


class Translation:
    """Takes the messages one by one. `place` in errors is Chat's own."""

    def __init__(self) -> None:
        self.made = Conversation()
        self._user = _User()
        self._used: set[str] = set()
        self._open: list[tuple[str, str]] = []  # calls of the last turn: Chat's id or name, Anthropic's id
        self._numbered = 0

    def take(self, message: Fields, place: str) -> None:
        """One message. Raises BadRequest."""
        role = word(message, "role", place)
        content = message.get("content", raw.NULL)
        if role in _SYSTEM:
            said = blocks(content, f"{place}.content")
            if self.made.turns or self._user.blocks():
                self._user.rest += [{"type": "text", "text": f"[{role}]"}, *said] if said else []
            else:
                self.made.system += said
        elif role == "user":
            self._user.rest += blocks(content, f"{place}.content")
        elif role in ("tool", "function"):
            key = text(message, "tool_call_id" if role == "tool" else "name", place)
            self._result(string(key), blocks(content, f"{place}.content"))
        elif role == "assistant":
            self._assistant(message, place)
        else:
            wrong(f"{place}.role", f"{role!r} is no role that Anthropic knows")

    def finish(self, *, prefill: bool) -> Conversation:
        """`prefill`: the model continues an answer that was begun for it."""
        self._flush()
        turns = self.made.turns
        if not turns:
            self._add("user", [{"type": "text", "text": NOBODY}])
        elif turns[-1]["role"] == "assistant":
            if prefill:
                _trimmed(turns[-1])
            else:
                self._add("user", [{"type": "text", "text": GO_ON}])
        return self.made

    def _result(self, key: str, said: list[Block]) -> None:
        id = next((id for known, id in self._open if known == key), None)
        if id is None:
            self._user.rest += [{"type": "text", "text": f"Result of the tool call {key}:"}, *said]
            return
        self._open.remove((key, id))
        content = said or [{"type": "text", "text": NO_OUTPUT}]
        only = content[0].get("text") if len(content) == 1 and content[0].keys() == {"type", "text"} else None
        self._user.results.append({"type": "tool_result", "tool_use_id": id, "content": only or content})

    def _assistant(self, message: Fields, place: str) -> None:
        self._flush()
        before = thoughts(message)
        said = blocks(message.get("content", raw.NULL), f"{place}.content")
        refusal = message.get("refusal", raw.NULL)
        if raw.is_text(refusal) and not blank(refusal):
            said.append({"type": "text", "text": refusal})
        uses = [self._use(call, at) for call, at in calls(message, place)]
        self.made.signed = bool(before) or not uses
        if said or uses:
            self._add("assistant", before + said + uses)

    def _use(self, call: Fields, place: str) -> Block:
        function = members(call.get("function", raw.NULL), f"{place}.function")
        name = text(function, "name", f"{place}.function")
        key = string(call.get("id", raw.NULL)) or string(name)
        id = wrap(key)
        while id in self._used:
            self._numbered += 1
            id = f"{wrap(key)}-{self._numbered}"
        self._used.add(id)
        self._open.append((key, id))
        return {"type": "tool_use", "id": id, "name": name, "input": input_of(_arguments(function))}

    def _flush(self) -> None:
        """The user's turn is over: calls that nobody answered get a word that says so."""
        for _, id in self._open:
            self._user.results.append({"type": "tool_result", "tool_use_id": id, "content": NO_RESULT})
        self._open.clear()
        if found := self._user.blocks():
            self._add("user", found)
        self._user = _User()

    def _add(self, role: str, content: list[Block]) -> None:
        turns = self.made.turns
        if not turns and role == "assistant":
            turns.append({"role": "user", "content": [{"type": "text", "text": NOBODY}]})
        if turns and turns[-1]["role"] == role:
            before = turns[-1]["content"]
            assert isinstance(before, list)
            before += content
        else:
            turns.append({"role": role, "content": content})


def translate(messages: Raw, *, prefill: bool) -> Conversation:
    """Raises BadRequest, which names the place."""
    translation = Translation()
    for number, message in enumerate(objects(messages, "messages")):
        translation.take(message, f"messages[{number}]")
    return translation.finish(prefill=prefill)


def _arguments(function: Fields) -> Raw:
    """As text, even where an IDE sends them as an object."""
    given = function.get("arguments", raw.EMPTY_TEXT)
    return raw.of(bytes(given).decode()) if raw.kind(given) == b"{" else given


def thoughts(message: Fields) -> list[Block]:
    """What Claude thought and signed, as `anthropic_stream` gave it out and the gateway or the IDE kept it."""
    made: list[Block] = []
    for detail in any_objects(message.get("reasoning_details", raw.NULL)):
        if detail.get("format") != CLAUDE:
            continue
        if raw.is_text(data := detail.get("data", raw.NULL)):
            made.append({"type": "redacted_thinking", "data": data})
        elif raw.has_text(sign := detail.get("signature", raw.NULL)):
            thought = detail.get("text", raw.NULL)
            words = thought if raw.is_text(thought) else raw.EMPTY_TEXT
            made.append({"type": "thinking", "thinking": words, "signature": sign})
    return made


def _trimmed(turn: dict[str, object]) -> None:
    """An answer that was begun must not end in space."""
    content = turn["content"]
    assert isinstance(content, list)
    if content[-1]["type"] == "text":
        content[-1]["text"] = string(raw.of(content[-1]["text"])).rstrip()
