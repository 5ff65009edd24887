"""A conversation as strict upstreams and chat templates want it.

IDEs cut long conversations, drop an interrupted call's result, send an empty
message or a second system prompt. Many upstreams take all that, some answer 400.
For these, and only for these:

    a system message in the middle    the user's words, marked as what they are
    a result                          directly behind its call; the user's words where there is none
    a call that nobody answered       gets a result that says so
    a call's id that is not its own   gets another, and its result with it
    a message that says nothing       left out
    neighbours of one role            one message
    no word of the user's at first    one is put there

It is what `wire/anthropic_turns.py` does for Anthropic, whose own rules are alike.
"""

import re
from dataclasses import dataclass, field

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import any_objects
from idetour.wire.messages_turns import NO_OUTPUT, NO_RESULT
from idetour.wire.raw import Fields
from idetour.wire.turns import string, text

# How such a 400 sounds at OpenAI, DeepSeek, Mistral, Moonshot and Google, and in the templates that vLLM runs.
COMPLAINT = re.compile(
    r"must be (?:followed by tool|a response to|at the beginning)|did not have response messages"
    r"|tool_call_id\W+is not found|roles? (?:must|should) alternate|no user (?:query|message)|unexpected role"
    r"|must not be empty|cannot be empty|either content or tool_calls|number of function (?:calls|response)"
    r"|comes immediately after|expected last role",
    re.I,
)
NOBODY = "."  # the user's first word, where there is none
BREAK = "\n\n"  # between messages that become one

_SYSTEM = ("system", "developer")
_RESULT = ("tool", "function")


@dataclass(slots=True)
class Strict:
    """Takes the messages one by one. `_open` has the calls of the last message: the IDE's id, and ours."""

    made: list[Fields] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)
    _waiting: list[Fields] = field(default_factory=list)  # what came between calls and their results
    _used: set[str] = field(default_factory=set)

    def take(self, message: Fields) -> None:
        role = string(message.get("role", raw.NULL))
        if role in _RESULT:
            self._result(message)
            return
        if role == "assistant":
            self._close()
            self._assistant(message)
            return
        if role in _SYSTEM and any(string(each["role"]) not in _SYSTEM for each in self.made):
            message = said("user", f"[{role}]\n{text(message.get('content', raw.NULL))}")
        if not raw.blank(message.get("content", raw.NULL)):
            (self._waiting if self._open else self.made).append(message)

    def finish(self) -> list[Fields]:
        self._close()
        made: list[Fields] = []
        for message in self.made:
            if made and (joint := joined(made[-1], message)):
                made[-1] = joint
            else:
                made.append(message)
        first = next((at for at, each in enumerate(made) if string(each["role"]) not in _SYSTEM), len(made))
        if first == len(made) or string(made[first]["role"]) != "user":
            made.insert(first, said("user", NOBODY))
        return made

    def _assistant(self, message: Fields) -> None:
        calls = any_objects(message.get("tool_calls", raw.NULL))
        named = [call | {"id": raw.of(self._own(string(call.get("id", raw.NULL))))} for call in calls]
        if named != calls:
            message = message | {"tool_calls": raw.of(named)}
        says = ("content", "refusal", "function_call", "audio")
        if calls or not all(raw.blank(message.get(key, raw.NULL)) for key in says):
            self.made.append(message)

    def _own(self, id: str) -> str:
        """An id that no other call of the conversation has."""
        own, number = id or "call", 0
        while own in self._used:
            number += 1
            own = f"{id or 'call'}-{number}"
        self._used.add(own)
        self._open.append((id, own))
        return own

    def _result(self, message: Fields) -> None:
        id = string(message.get("tool_call_id", raw.NULL))
        found = next((each for each in self._open if each[0] == id), None)
        content = message.get("content", raw.NULL)
        if found is None:
            words = said("user", f"Result of the tool call {id}:\n{text(content)}")
            (self._waiting if self._open else self.made).append(words)
            return
        self._open.remove(found)
        right = {"tool_call_id": raw.of(found[1])}
        if raw.blank(content):
            right["content"] = raw.of(NO_OUTPUT)
        self.made.append(message | right)
        if not self._open:
            self._close()

    def _close(self) -> None:
        """No more results will come for the last calls."""
        for _, id in self._open:
            self.made.append(said("tool", NO_RESULT) | {"tool_call_id": raw.of(id)})
        self.made += self._waiting
        self._open, self._waiting = [], []


def said(role: str, words: str) -> Fields:
    return {"role": raw.of(role), "content": raw.of(words)}


def joined(one: Fields, other: Fields) -> Fields | None:
    """Two messages as one; None where that would lose something."""
    plain = one.keys() == other.keys() == {"role", "content"}
    if not plain or one["role"] != other["role"] or one["role"] == raw.of("tool"):
        return None
    if raw.is_text(one["content"]) and raw.is_text(other["content"]):
        both = bytes(one["content"])[:-1] + raw.encode(BREAK)[1:-1] + bytes(other["content"])[1:]
        return one | {"content": Raw(both)}
    return one | {"content": raw.of([*parts(one["content"]), *parts(other["content"])])}


def parts(content: Raw) -> list[Raw]:
    """A content as a list of parts."""
    if raw.kind(content) == b"[":
        return raw.items(content)
    return [raw.of({"type": "text", "text": content})]


def strict(conversation: list[Fields]) -> list[Fields]:
    """The conversation, made right where it is not."""
    making = Strict()
    for message in conversation:
        making.take(message)
    return making.finish()


def lacking(messages: Raw) -> bool:
    """Whether a conversation is not yet as strict upstreams want it."""
    conversation = any_objects(messages)
    return bool(conversation) and strict(conversation) != conversation
