"""The choices of a chunk, made into what every client understands.

Nearly all chunks pass as they came: their text is never decoded. One that is
odd is taken apart and written anew:

    no delta                            {}, or what stands in its place as `message`
    role null                           left out
    finish_reason ""                    null
    finish_reason "stop" after calls    "tool_calls"
    pieces of tool calls                as `calls.py` has them

Before that, for models that need it, editors rewrite what is said.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import TOOL_CALLS, answer_members, any_objects
from idetour.wire.calls import Calls
from idetour.wire.editor import Delta, Editor
from idetour.wire.edits import Edits

CUT = ("length", "content_filter")  # the model had more to say


class Choice(msgspec.Struct, gc=False):
    """As much of a choice as has to be understood."""

    index: int | None = 0
    delta: Delta | None = None
    message: Raw = raw.NULL  # of a whole answer; some stream it in the place of a delta
    finish_reason: Any = None
    error: Raw = raw.NULL
    usage: Raw = raw.NULL  # Moonshot puts it here


class Chunk(NamedTuple):
    fields: dict[str, Raw]
    choices: list[Choice]


class State:
    """What is known of one choice: who edits it, and its calls. Without edits only one that has calls is known."""

    __slots__ = ("calls", "editors")

    def __init__(self, calls: Calls, editors: list[Editor]) -> None:
        self.calls, self.editors = calls, editors


class Choices:
    """Chunks in, chunks out. `id` is of the answer, and makes the ids of calls that have none."""

    def __init__(self, *, id: str, edits: Edits | None = None) -> None:
        self._id, self._edits = prefix(id), edits
        self._states: dict[int, State] = {}
        self._fields: dict[str, Raw] = {}  # those of a chunk, for chunks that are made here

    def take(self, chunk: Chunk) -> Iterable[Chunk]:
        """The chunks that go on instead; the very same where nothing has to change."""
        if self._edits is None:
            return (self._right(chunk),)
        self._fields = {key: value for key, value in chunk.fields.items() if key != "usage"}
        return self._edited(chunk)

    def end(self, *, complete: bool) -> Iterator[Chunk]:
        """What was held back for choices that never finished. `complete`: the stream did."""
        if self._edits is not None:
            for index in self._states:
                yield from self._rest(index, complete=complete)
            self._edits.tell(state.calls for state in self._states.values())

    def _edited(self, chunk: Chunk) -> Iterator[Chunk]:
        told = [self._spoken(choice) for choice in chunk.choices]
        same = (each == [choice.delta] for each, choice in zip(told, chunk.choices, strict=True))
        if all(same) and not any(choice.finish_reason for choice in chunk.choices):
            yield self._right(chunk)
            return
        last = chunk.choices[-1]
        written = any_objects(chunk.fields["choices"])
        for choice, fields, deltas in zip(chunk.choices, written, told, strict=True):
            index = choice.index or 0
            for delta in filter(None, deltas):
                yield self._made(index, delta)
            if choice.finish_reason:
                yield from self._rest(index, complete=choice.finish_reason not in CUT)
            usage = chunk.fields.get("usage", raw.NULL) if choice is last else raw.NULL
            if choice.finish_reason or not raw.blank(usage):
                choice.delta = {}
                alone = self._fields | {"choices": raw.part([fields | {"delta": raw.EMPTY_OBJECT}])}
                yield self._right(Chunk(alone | ({} if usage is raw.NULL else {"usage": usage}), [choice]))

    def _spoken(self, choice: Choice) -> list[Delta]:
        deltas = [choice.delta or {}]
        for editor in self._state(choice.index or 0).editors:
            deltas = [each for delta in deltas for each in editor.edit(delta)]
        return deltas

    def _rest(self, index: int, *, complete: bool) -> Iterator[Chunk]:
        """What was held back of a choice that says no more."""
        state = self._state(index)
        deltas: list[Delta] = []
        for editor in state.editors:
            deltas = [each for delta in deltas for each in editor.edit(delta)]
            deltas += editor.end(complete=complete)
        state.editors = []
        for delta in deltas:
            yield self._made(index, delta)
        for delta in state.calls.end(complete=complete):
            yield self._made(index, delta)

    def _made(self, index: int, delta: Delta) -> Chunk:
        choice = {"index": index, "delta": delta, "finish_reason": None}
        fields = self._fields | {"choices": raw.part([choice])}
        return self._right(Chunk(fields, [Choice(index=index, delta=delta)]))

    def _right(self, chunk: Chunk) -> Chunk:
        """The chunk, its choices written anew if one of them is odd."""
        for choice in chunk.choices:
            if self._odd(choice):
                break
        else:
            return chunk
        before = [(choice.delta, choice.finish_reason) for choice in chunk.choices]
        for choice in chunk.choices:
            self._mend(choice)
        after = [(choice.delta, choice.finish_reason) for choice in chunk.choices]
        if before == after:
            return chunk
        written = any_objects(chunk.fields["choices"])
        for fields, old, (delta, reason) in zip(written, before, after, strict=True):
            fields.pop("message", None)
            fields["delta"] = raw.part(delta)
            if reason != old[1]:
                fields["finish_reason"] = raw.part(reason)
        return Chunk(chunk.fields | {"choices": raw.part(written)}, chunk.choices)

    def _odd(self, choice: Choice) -> bool:
        """Whether a choice has to be looked at. All chunks of all streams pass here: a fraction of a microsecond."""
        delta, reason = choice.delta, choice.finish_reason
        return (
            delta is None
            or "tool_calls" in delta
            or ("role" in delta and delta["role"] == raw.NULL)
            or (reason is not None and (reason == "" or (choice.index or 0) in self._states))
        )

    def _mend(self, choice: Choice) -> None:
        """Make a choice what it should be. Its delta is another then, or the very same."""
        index, reason = choice.index or 0, choice.finish_reason
        if choice.delta is None:
            choice.delta = answer_members(choice.message)
        if choice.delta.get("role") == raw.NULL:
            choice.delta = {key: value for key, value in choice.delta.items() if key != "role"}
        if pieces := any_objects(choice.delta.get("tool_calls", raw.NULL)):
            calls = self._state(index).calls
            made = [calls.piece(piece) for piece in pieces]
            if made != pieces:
                choice.delta = choice.delta | {"tool_calls": raw.part(made)}
        if reason == "" or (reason == "stop" and self._called(index)):
            choice.finish_reason = "tool_calls" if reason else None

    def _called(self, index: int) -> bool:
        return index in self._states and bool(self._states[index].calls)

    def _state(self, index: int) -> State:
        if index not in self._states:
            edits = self._edits
            calls = Calls(f"{self._id}{index or ''}", mend=edits is not None and edits.mend)
            self._states[index] = State(calls, edits.editors() if edits else [])
        return self._states[index]


def prefix(id: str) -> str:
    """What makes the ids of an answer's calls its own."""
    return id.removeprefix("chatcmpl-").removeprefix("msg_")


def whole(choice: dict[str, Raw], *, id: str) -> dict[str, Raw]:
    """A whole answer's choice, its calls and its finish_reason as they should be."""
    message = answer_members(choice.get("message", raw.NULL))
    calls = Calls(prefix(id))
    pieces = any_objects(message.get("tool_calls", raw.NULL))
    made = [calls.piece({**piece, "index": raw.part(number)}) for number, piece in enumerate(pieces)]
    for piece in made:
        del piece["index"]  # only pieces have one
    if made and made != pieces:
        choice["message"] = raw.part(message | {"tool_calls": raw.part(made)})
    if made and choice.get("finish_reason") == Raw(b'"stop"'):
        choice["finish_reason"] = TOOL_CALLS
    return choice
