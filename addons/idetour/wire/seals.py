"""Thoughts that only their author can read, in a body as it goes to an upstream.

    Responses   an item of reasoning with `encrypted_content`
    Messages    a `thinking` block with its signature, a `redacted_thinking` block
    Chat        a message's `reasoning_details`; Google's `thought_signature` of a call

Each is sealed by who gave it out, and refused by everybody else: with other
models, other keys, after a change of the route. What was compacted is sealed
too, but stands for the conversation itself, so it stays.

Gemini refuses a call without a signature as well. For calls that it did not make
Google has a word that stands for one (NOT_OURS).
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.raw import Fields
from idetour.wire.turns import any_members, parts, string

DETAILS = "reasoning_details"
THOUGHTS = ("thinking", "redacted_thinking")
CALLS, EXTRA, GOOGLE, SIGNATURE = "tool_calls", "extra_content", "google", "thought_signature"
# https://ai.google.dev/gemini-api/docs/thought-signatures
NOT_OURS = Raw(b'"skip_thought_signature_validator"')
MARKS = re.compile(
    rb'"(?:encrypted_content|signature|reasoning_details|redacted_thinking|thought_signature)"'
)

type Foreign = Callable[[Raw], bool]  # whether a seal is somebody else's


def of(thoughts: Fields) -> Iterator[Raw]:
    """The seals of a block, a detail, an item."""
    for name in ("encrypted_content", "signature", "data"):
        if raw.has_text(seal := thoughts.get(name, raw.NULL)):
            yield seal


def given(said: Fields) -> Iterator[Raw]:
    """The seals in a message of Chat, or in a delta of one."""
    for detail in parts(said.get(DETAILS, raw.NULL)):
        yield from of(detail)
    calls = said.get(CALLS, raw.NULL)
    for call in parts(calls) if MARKS.search(calls) else ():
        if raw.has_text(seal := _google(call).get(SIGNATURE, raw.NULL)):
            yield seal


def signed(messages: Raw) -> Raw:
    """A conversation in which no calls are without a signature; Gemini signs the first of those that it makes at once."""
    items = raw.items(messages)
    made = [_complete(item) for item in items]
    return messages if made == items else raw.of(made)


def _complete(message: Raw) -> Raw:
    fields = any_members(message)
    calls = parts(fields.get(CALLS, raw.NULL))
    if not calls or any(SIGNATURE in _google(call) for call in calls):
        return message
    return raw.of(fields | {CALLS: raw.of([_signed(calls[0]), *calls[1:]])})


def _google(call: Fields) -> Fields:
    return any_members(any_members(call.get(EXTRA, raw.NULL)).get(GOOGLE, raw.NULL))


def _signed(call: Fields) -> Fields:
    """A call that is marked as another model's."""
    extra = any_members(call.get(EXTRA, raw.NULL))
    return call | {EXTRA: raw.of(extra | {GOOGLE: raw.of(_google(call) | {SIGNATURE: NOT_OURS})})}


def all_in(body: bytes) -> list[Raw]:
    """All seals of a body; none where it is no JSON."""
    found: list[Raw] = []

    def note(seal: Raw) -> bool:
        found.append(seal)
        return False

    without(any_members(Raw(body)), note)
    return found


def without(fields: Fields, foreign: Foreign) -> bool:
    """Take the thoughts that are foreign out of a body. Whether there were any."""
    before = dict(fields)
    for name, change in (("input", _item), ("messages", _message)):
        value = fields.get(name, raw.NULL)
        if raw.kind(value) == b"[" and MARKS.search(value):
            items = raw.items(value)
            kept = [each for item in items if (each := change(item, foreign))]
            if kept != items:
                fields[name] = raw.of(kept)
    if fields == before:
        return False
    _unbound(fields)
    return True


def _item(item: Raw, foreign: Foreign) -> Raw | None:
    """An item of Responses, unless it is a foreign thought."""
    if not MARKS.search(item):
        return item
    fields = any_members(item)
    thought = string(fields.get("type", raw.NULL)) == "reasoning"
    return None if thought and any(foreign(seal) for seal in of(fields)) else item


def _message(message: Raw, foreign: Foreign) -> Raw | None:
    """A message of Chat or of Messages without foreign thoughts; nothing where it holds nothing else."""
    if not MARKS.search(message):
        return message
    fields = any_members(message)
    if string(fields.get("role", raw.NULL)) != "assistant":
        return message
    before = dict(fields)
    if any(foreign(seal) for detail in parts(fields.get(DETAILS, raw.NULL)) for seal in of(detail)):
        del fields[DETAILS]  # they are a whole, or nothing
    if MARKS.search(calls := fields.get(CALLS, raw.NULL)):
        changed = [_signed(call) if _strange(call, foreign) else call for call in parts(calls)]
        fields[CALLS] = calls if changed == parts(calls) else raw.of(changed)
    if blocks := parts(fields.get("content", raw.NULL)):
        kept = [
            block for block in blocks if not (_thinks(block) and any(foreign(seal) for seal in of(block)))
        ]
        if not kept:
            return None
        if len(kept) < len(blocks):
            fields["content"] = raw.of(kept)
    return message if fields == before else raw.of(fields)


def _strange(call: Fields, foreign: Foreign) -> bool:
    seal = _google(call).get(SIGNATURE, raw.NULL)
    return raw.has_text(seal) and seal != NOT_OURS and foreign(seal)


def _thinks(block: Fields) -> bool:
    return string(block.get("type", raw.NULL)) in THOUGHTS


def _unbound(fields: Fields) -> None:
    """Claude's calls that are being answered have to begin with a thought, if it thinks within a budget.

    Where that is lost, it answers without (as `anthropic.write` has it).
    """
    if string(any_members(fields.get("thinking", raw.NULL)).get("type", raw.NULL)) != "enabled":
        return
    turns = parts(fields.get("messages", raw.NULL))
    last = next((turn for turn in reversed(turns) if turn.get("role") == Raw(b'"assistant"')), {})
    blocks = parts(last.get("content", raw.NULL))
    calls = any(string(block.get("type", raw.NULL)) == "tool_use" for block in blocks)
    if calls and not _thinks(blocks[0]):
        del fields["thinking"]
