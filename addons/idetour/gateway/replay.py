"""Reasoning that IDEs drop: kept by tool call, and put back where the upstream wants it.

Models that think between tool calls want their thoughts back with the results,
and some refuse a history without them; IDEs send the calls alone. So what an
answer with calls carried of reasoning is kept, in memory, for the model at the
endpoint that it came from and for nobody else: a signature is worth something
only there. What a client sends by itself is left as it is.
"""

import hashlib
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import Raw

from idetour.gateway.seals import Seals
from idetour.routes.plan import Candidate
from idetour.upstreams import is_own
from idetour.wire import anthropic_turns, raw
from idetour.wire.assembly import answer_members, any_objects
from idetour.wire.chat import ChatRequest
from idetour.wire.raw import Fields
from idetour.wire.turns import string

MOST_CALLS = 2000
MOST_BYTES = 32 << 20  # of all that is kept
MOST_OF_ONE = 1 << 20  # bytes of one answer's reasoning; more is not kept
SECONDS = 24 * 3600.0
BLANK = Raw(b'" "')  # for thoughts that are lost; some upstreams take an empty one for none

BACK, LOST = "reasoning put back", "lost reasoning left blank"

# The members of a message that hold reasoning. One of them goes back: the richest that there is.
DETAILS, TEXTS = "reasoning_details", ("reasoning_content", "reasoning")
REASONING = (DETAILS, *TEXTS)
EXTRA = "extra_content"  # of a tool call; Google keeps its signature there
USES = re.compile(rb'"tool_use"')
ASSISTANT, USE, THOUGHTS = Raw(b'"assistant"'), Raw(b'"tool_use"'), ("thinking", "redacted_thinking")
CALLS = re.compile(rb'"tool_calls"\s*:')
ANY = re.compile(rb'"reasoning(?:_content|_details)?"\s*:')

type Place = tuple[str, str]  # the URL of an endpoint, and a model there


class Kept(NamedTuple):
    """What came with one call. `thoughts` are members of the message, the same for all of its calls."""

    thoughts: Mapping[str, Raw]
    extra: Raw | None
    when: float
    size: int

    def fitting(self, *, wanted: bool) -> Fields:
        """What of it goes back: signed thoughts always, as they are made for that, others where they are wanted."""
        details = self.thoughts.get(DETAILS)
        if details is not None and (wanted or signed(details)):
            return {DETAILS: details}
        texts = [name for name in TEXTS if name in self.thoughts] if wanted else []
        return {name: self.thoughts[name] for name in texts[:1]}


@dataclass(slots=True)
class Replay:
    """The memory of it: the oldest goes first."""

    seals: Seals = field(default_factory=Seals)
    _kept: OrderedDict[tuple[Place, bytes], Kept] = field(default_factory=OrderedDict)
    _places: Counter[Place] = field(default_factory=Counter)
    _size: int = 0

    def keep(self, place: Place, message: Fields) -> None:
        """An answer is complete: keep the reasoning in this message for its calls, if it has both."""
        found = {name: message[name] for name in REASONING if message.get(name, raw.NULL) != raw.NULL}
        thoughts = {name: value.copy() for name, value in found.items()}  # they would hold the whole answer
        for call in any_objects(message.get("tool_calls", raw.NULL)):
            extra = call[EXTRA].copy() if EXTRA in call else None
            size = sum(len(memoryview(value)) for value in (*thoughts.values(), extra or raw.NULL))
            if (thoughts or extra) and size <= MOST_OF_ONE:
                self._put((place, identity(call)), Kept(thoughts, extra, time.monotonic(), size))

    def _put(self, key: tuple[Place, bytes], kept: Kept) -> None:
        self._drop(key)
        self._kept[key] = kept
        self._places[key[0]] += 1
        self._size += kept.size
        while self._kept:
            oldest = next(iter(self._kept))
            late = self._kept[oldest].when < time.monotonic() - SECONDS
            if not late and len(self._kept) <= MOST_CALLS and self._size <= MOST_BYTES:
                break
            self._drop(oldest)

    def _drop(self, key: tuple[Place, bytes]) -> None:
        if kept := self._kept.pop(key, None):
            self._size -= kept.size
            self._places[key[0]] -= 1
            if not self._places[key[0]]:
                del self._places[key[0]]

    def _find(self, place: Place, call: Fields) -> Kept | None:
        kept = self._kept.get((place, identity(call)))
        return kept if kept and kept.when > time.monotonic() - SECONDS else None

    def restored(
        self, request: ChatRequest, candidate: Candidate, *, wanted: bool | None, blank: bool = False
    ) -> tuple[ChatRequest, list[str]]:
        """The request with what its history lacks, and what was done to it, if anything, in a few words.

        `wanted` False: the upstream refuses reasoning, and gets none. `blank`: it insists on it,
        and gets a blank where it is lost.
        """
        place = place_of(candidate)
        if is_own(request, candidate.upstream):
            if wanted is False or not self._places[place] or not thinks(request.native):
                return request, []
            native, words = changed(request.native, USES, lambda turn: self._precede(turn, place))
            return replace(request, native=native), words
        if wanted is False:
            fields, words = changed(request.fields, ANY, without)
        elif blank or self._places[place]:
            complete = partial(self._complete, place=place, wanted=bool(wanted), blank=blank)
            fields, words = changed(request.fields, CALLS, complete)
        else:
            return request, []
        return (replace(request, fields=fields) if words else request), words

    def _precede(self, turn: Fields, place: Place) -> str | None:
        """Put Claude's thoughts before its calls, in a turn of Messages that has calls alone, and say so."""
        blocks = any_objects(turn.get("content", raw.NULL))
        if any(string(block.get("type", raw.NULL)) in THOUGHTS for block in blocks):
            return None
        uses = [block for block in blocks if block.get("type") == USE]
        kept = next((each for block in uses if (each := self._find(place, call_of(block)))), None)
        thoughts = anthropic_turns.thoughts(dict(kept.thoughts)) if kept else []
        if not thoughts:
            return None
        turn["content"] = raw.of([*thoughts, *blocks])
        return BACK

    def _complete(self, message: Fields, place: Place, *, wanted: bool, blank: bool) -> str | None:
        """Put back what one message lacks, and say so."""
        calls = any_objects(message.get("tool_calls", raw.NULL))
        kept = [self._find(place, call) for call in calls]
        extras = [(call, each.extra) for call, each in zip(calls, kept, strict=True) if each and each.extra]
        lacking = [(call, extra) for call, extra in extras if EXTRA not in call]
        for call, extra in lacking:
            call[EXTRA] = extra
        if lacking:
            message["tool_calls"] = raw.of(calls)
        if not all(raw.blank(message.get(name, raw.NULL)) for name in REASONING):
            return BACK if lacking else None  # the client knows what it does
        found = next((each.fitting(wanted=wanted) for each in kept if each), {})
        message.update(found)
        if blank and not found:
            message[TEXTS[0]] = BLANK
            return LOST
        return BACK if lacking or found else None


def changed(
    fields: Fields, about: re.Pattern[bytes], change: Callable[[Fields], str | None]
) -> tuple[Fields, list[str]]:
    """A body whose assistant's messages were changed, and the words for that; itself where none was."""
    history = fields.get("messages", raw.EMPTY_LIST)
    if not about.search(history):
        return fields, []
    try:
        conversation = msgspec.json.decode(history, type=list[dict[str, Raw]])
    except (ValueError, RecursionError):
        return fields, []  # whoever has to read it will say so
    words = {change(message) for message in conversation if message.get("role") == ASSISTANT}
    said = sorted(filter(None, words))
    return (fields | {"messages": raw.of(conversation)} if said else fields), said


def thinks(native: Fields) -> bool:
    """Whether a request in Messages asks for thoughts: without, none may precede a call."""
    kind = answer_members(native.get("thinking", raw.NULL)).get("type", raw.NULL)
    return string(kind) in ("enabled", "adaptive")


def call_of(block: Fields) -> Fields:
    """A `tool_use` block as Chat's call."""
    written = bytes(block.get("input", raw.EMPTY_OBJECT)).decode()
    function = {"name": block.get("name", raw.NULL), "arguments": written}
    return {"id": block.get("id", raw.NULL), "function": raw.of(function)}


def place_of(candidate: Candidate) -> Place:
    return candidate.upstream.url, candidate.target.model


def identity(call: Fields) -> bytes:
    """What stands for a call. Its id alone would not do: some servers number the calls of each conversation."""
    function = answer_members(call.get("function", raw.NULL))
    named = (call.get("id", raw.NULL), function.get("name", raw.NULL), function.get("arguments", raw.NULL))
    id, name, arguments = map(string, named)
    try:  # IDEs parse them and write them anew
        written = msgspec.json.encode(msgspec.json.decode(arguments), order="sorted")
    except (ValueError, RecursionError):
        written = arguments.encode(errors="replace")
    parts = f"{id}\0{name}\0".encode(errors="replace")
    return hashlib.blake2b(parts + written, digest_size=16).digest()


def signed(details: Raw) -> bool:
    """Whether there is something in them that only who made them can read."""
    return any(
        not raw.blank(each.get(name, raw.NULL))
        for each in any_objects(details)
        for name in ("signature", "data")
    )


def without(message: Fields) -> str | None:
    """Take the reasoning out of a message, and say so."""
    gone = [message.pop(name, None) for name in REASONING]
    return "reasoning left out" if any(each is not None for each in gone) else None
