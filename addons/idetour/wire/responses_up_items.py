"""A Chat conversation as the items of Responses.

    system, developer     at the beginning, as far as it is text: `instructions`; else a message
    user                  a message of `input_text`, `input_image`, `input_file`
    assistant             its sealed reasoning, its message, one item for each call
    tool                  one output for each call, behind it

Each call has to have its output and each output its call. Some upstreams give
ids that come again in every turn, or are longer than is allowed here: such
ones are replaced, in the call and in its output.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.anthropic_turns import NOBODY
from idetour.wire.assembly import any_objects, as_text
from idetour.wire.messages_turns import NO_RESULT
from idetour.wire.places import calls, joined, members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import TEXTS, string

type Item = dict[str, Any]

FORMAT = Raw(b'"openai-responses-v1"')  # of reasoning that is Responses' own; the word is OpenRouter's
LONGEST_ID = 64
SYSTEM = ("system", "developer")


@dataclass(slots=True)
class Conversation:
    """Takes the messages one by one. `open` are the calls without an output yet: Chat's id, and the item."""

    instructions: list[Raw] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    open: list[tuple[str, Item]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)  # ids of calls

    def take(self, message: Fields, place: str) -> None:
        """One message. Raises BadRequest."""
        role, content = word(message, "role", place), message.get("content", raw.NULL)
        if role in ("tool", "function"):
            key = string(text(message, "tool_call_id" if role == "tool" else "name", place))
            return self._output(key, content, f"{place}.content")
        self.answer()
        if role == "assistant":
            self._assistant(message, place)
        elif role in SYSTEM and not self.items and (said := _words(content)):
            self.instructions += said
        elif role in (*SYSTEM, "user"):
            if parts := _parts(content, f"{place}.content"):
                self.items.append({"type": "message", "role": role, "content": parts})
        else:
            wrong(f"{place}.role", f"{role!r} is no role that Responses knows")

    def answer(self) -> None:
        """The turn of tools is over: calls that nobody answered get a word that says so."""
        for _, call in self.open:
            self.items.append(_result(call, NO_RESULT))
        self.open.clear()

    def _output(self, key: str, content: Raw, place: str) -> None:
        found = next((each for each in self.open if each[0] == key), None)
        if found is None:  # its call was cut off: told as text, so that it is not lost
            said = [{"type": "input_text", "text": f"Result of the tool call {key}:"}]
            parts = said + _parts(content, place)
            self.items.append({"type": "message", "role": "user", "content": parts})
            return
        self.open.remove(found)
        plain = content if raw.is_text(content) else raw.EMPTY_TEXT if content == raw.NULL else None
        self.items.append(_result(found[1], _parts(content, place) if plain is None else plain))

    def _assistant(self, message: Fields, place: str) -> None:
        content = message.get("content", raw.NULL)
        said: list[Item] = [{"type": "output_text", "text": each} for each in _words(as_text(content))]
        refusal = message.get("refusal", raw.NULL)
        if raw.has_text(refusal):
            said.append({"type": "refusal", "refusal": refusal})
        called = calls(message, place)
        if said or called:  # what was thought has to lead to something
            self.items += reasoning(message)
        if said:
            self.items.append({"type": "message", "role": "assistant", "content": said})
        for call, at in called:
            self._call(call, at)

    def _call(self, call: Fields, place: str) -> None:
        custom = string(call.get("type", raw.NULL)) == "custom"
        kind, member = ("custom", "input") if custom else ("function", "arguments")
        inner = members(call.get(kind, raw.NULL), f"{place}.{kind}")
        name, given = text(inner, "name", f"{place}.{kind}"), inner.get(member, raw.NULL)
        key = string(call.get("id", raw.NULL)) or string(name)
        if raw.kind(given) == b"{":  # some IDEs send an object
            given = raw.of(bytes(given).decode())
        said = given if raw.is_text(given) else raw.EMPTY_TEXT
        item: Item = {"type": "custom_tool_call" if custom else "function_call", "call_id": self._id(key)}
        item |= {"name": name, member: said}
        self.items.append(item)
        self.open.append((key, item))

    def _id(self, key: str) -> str:
        """An id that is allowed, and no other call's."""
        id, number = key, len(self.used)
        if len(key) > LONGEST_ID or key in self.used:
            said = f"{key} {number}".encode("utf-8", "replace")
            id = f"call_{hashlib.sha256(said).hexdigest()[:40]}"
        self.used.add(id)
        return id


def translate(messages: Raw) -> Item:
    """`instructions` and `input`. Raises BadRequest, which names the place."""
    talk = Conversation()
    for number, message in enumerate(objects(messages, "messages")):
        talk.take(message, f"messages[{number}]")
    talk.answer()
    if not talk.items:  # nobody but the system has spoken, if anybody; and an input there has to be
        role, said = ("developer", talk.instructions) if talk.instructions else ("user", [raw.of(NOBODY)])
        parts = [{"type": "input_text", "text": each} for each in said]
        talk.items = [{"type": "message", "role": role, "content": [part]} for part in parts]
        talk.instructions = []
    made: Item = {"input": talk.items}
    return {"instructions": joined(talk.instructions, rb"\n\n")} | made if talk.instructions else made


def _result(call: Item, said: object) -> Item:
    return {"type": f"{call['type']}_output", "call_id": call["call_id"], "output": said}


def _words(content: Raw) -> list[Raw]:
    """The texts of a content that holds nothing else; none of any other."""
    if raw.is_text(content):
        return [] if raw.blank(content) else [content]
    parts = any_objects(content)
    if not all(string(part.get("type", raw.NULL)) in TEXTS for part in parts):
        return []
    return [part["text"] for part in parts if raw.is_text(part.get("text", raw.NULL))]


def _parts(content: Raw, place: str) -> list[Item]:
    """What somebody says or shows. Raises BadRequest."""
    if content == raw.NULL or raw.is_text(content):
        return [{"type": "input_text", "text": content}] if not raw.blank(content) else []
    if raw.kind(content) != b"[":
        wrong(place, "must be a string or a list of parts")
    return [_part(part, f"{place}[{number}]") for number, part in enumerate(objects(content, place))]


def _part(part: Fields, place: str) -> Item:
    kind = word(part, "type", place)
    if kind in (*TEXTS, "refusal"):
        return {"type": "input_text", "text": text(part, "refusal" if kind == "refusal" else "text", place)}
    if kind == "image_url":
        given = part.get("image_url", raw.NULL)
        shown = {"url": given} if raw.is_text(given) else members(given, f"{place}.image_url")
        detail = {"detail": shown["detail"]} if raw.is_text(shown.get("detail", raw.NULL)) else {}
        return {"type": "input_image", "image_url": text(shown, "url", f"{place}.image_url")} | detail
    if kind == "file":
        return {"type": "input_file"} | members(part.get("file", raw.NULL), f"{place}.file")
    if kind in ("input_image", "input_file", "input_audio"):
        return dict(part)
    wrong(f"{place}.type", f"{kind!r} has no word in Responses")


def reasoning(message: Fields) -> list[Item]:
    """What the model thought, as `responses_up_stream` gave it out sealed: nobody else's, and nothing made up."""
    details = [
        each
        for each in any_objects(message.get("reasoning_details", raw.NULL))
        if each.get("format") == FORMAT
    ]
    made: dict[bytes, Item] = {}
    for each in details:
        item = made.setdefault(bytes(each.get("id", raw.NULL)), {"type": "reasoning", "summary": []})
        if raw.is_text(each.get("id", raw.NULL)):
            item["id"] = each["id"]
        if raw.is_text(said := each.get("summary", raw.NULL)):
            item["summary"].append({"type": "summary_text", "text": said})
        if raw.is_text(data := each.get("data", raw.NULL)):
            item["encrypted_content"] = data
    return [item for item in made.values() if "encrypted_content" in item]
