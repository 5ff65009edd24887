"""The events of an upstream's Responses as a streamed Chat answer.

    the first with a response           the role
    output_text, refusal                content, refusal; with logprobs, where they were asked for
    reasoning_summary_text, reasoning_text    reasoning_content; when its item is done, sealed in reasoning_details
    function_call, custom_tool_call     tool_calls, numbered from 0 among calls alone
    response.completed, .incomplete     the finish_reason, the usage, [DONE]
    response.failed, error              an error, and nothing after it
    all others                          nothing

Some servers tell an item only when it is done, or in the last event: what was not
told before is told then, and nothing twice. A client that speaks Responses itself
gets the events back as they are: each chunk then carries its event in the member
NATIVE, as `anthropic_stream` does it (`responses_stream` takes them out again);
one that wants its answer whole gets the response, which the last chunk carries.
An answer that breaks off simply ends here, and the Relay sees it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Raw

from idetour.wire import raw, responses_up_whole, sse
from idetour.wire.assembly import answer_members
from idetour.wire.responses_stream import NATIVE
from idetour.wire.responses_up_whole import CALLS, failure, finish, sealed, spent

type Choice = dict[str, Any]  # what differs from a chunk's choice that says nothing

PARAGRAPH = Raw(rb'"\n\n"')  # between two parts of a summary
LIMIT = 64 << 20  # bytes of an event: the last one holds the whole answer
ENDS = ("response.completed", "response.incomplete")


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    output_index: int = 0
    summary_index: int = 0
    delta: Raw = raw.EMPTY_TEXT
    logprobs: Raw = raw.NULL
    item: Raw = raw.NULL
    annotation: Raw = raw.NULL
    response: Raw = raw.NULL


class _Item(msgspec.Struct, gc=False):
    type: str = ""
    call_id: Raw = raw.NULL
    name: Raw = raw.NULL
    arguments: Raw = raw.EMPTY_TEXT
    input: Raw = raw.EMPTY_TEXT


@dataclass(slots=True)
class _Told:
    """What was told of an item: its call's number, whether any of its text, the last part of its summary."""

    call: int | None = None
    kind: str = ""
    said: bool = False
    part: int = 0


_event = msgspec.json.Decoder(_Event)
_item = msgspec.json.Decoder(_Item)


class ChatStream:
    """Responses' SSE in, Chat SSE out. `carry`: the events themselves go along.

    `whole`: for a client that will get all of it at once, and with `carry` the response.
    """

    def __init__(self, *, carry: bool = False, whole: bool = False) -> None:
        self._carry, self._whole = carry, whole
        self._reader = sse.Reader(limit=LIMIT)
        self._about: dict[str, Any] = {}
        self._items: dict[int, _Told] = {}
        self._output: list[Raw] = []  # items that are whole
        self._called = self._details = 0
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """Bytes broken anywhere in, whole events out. Raises sse.EventTooLong."""
        return b"".join(piece for event in self._reader.feed(data) for piece in self._take(event))

    def end(self) -> bytes:
        """The upstream's end of file."""
        return b"".join(piece for event in self._reader.close() for piece in self._take(event))

    def _take(self, found: sse.Event) -> Iterator[bytes]:
        if self._done or found.data.strip() == b"[DONE]":
            return
        data = raw.utf8(found.data)
        try:
            event = _event.decode(data)
        except (ValueError, RecursionError):
            event = _Event()
        if event.type in ("error", "response.failed", "response.cancelled") or found.name == b"error":
            self._done = True
            yield sse.encode(failure(data), b"error")
            return
        if not event.type:
            yield sse.encode(b"unreadable")  # the Relay counts what it cannot read
            return
        said = [*self._said(event)]
        if carried := self._carried(event, data):
            yield self._chunk(said[0] if said else {}, {NATIVE: carried})
            said = said[1:]
        for choice in said:
            yield self._chunk(choice)
        if event.type in ENDS:
            yield from self._end(event.response)

    def _carried(self, event: _Event, data: bytes) -> Raw | None:
        """What of the upstream's own goes along with an event."""
        if not (self._carry and self._whole):
            return Raw(data) if self._carry else None
        if event.type == "response.output_item.done":
            self._output.append(event.item)
        if event.type not in ENDS:
            return None
        whole = answer_members(event.response)
        missed = raw.blank(whole.get("output", raw.NULL))  # some tell their items once
        return raw.of(whole | {"output": raw.of(self._output)}) if missed else event.response

    def _said(self, event: _Event) -> Iterator[Choice]:
        """What an event says in Chat."""
        told = self._items.setdefault(event.output_index, _Told())
        if not self._about and event.response != raw.NULL:
            self._about = responses_up_whole.about(event.response)
            role = {"role": "assistant"} if self._whole else {"role": "assistant", "content": ""}
            yield {"delta": role}
        match event.type.removeprefix("response."):
            case "output_text.delta":
                told.said = True
                yield from _piece("content", event.delta, event.logprobs)
            case "refusal.delta":
                told.said = True
                yield from _piece("refusal", event.delta)
            case "reasoning_summary_text.delta" | "reasoning_text.delta":
                yield from self._think(event, told)
            case "output_item.added":
                yield from self._open(_read(event.item), told)
            case "function_call_arguments.delta" | "custom_tool_call_input.delta":
                yield from self._more(told, event.delta)
            case "output_text.annotation.added":
                notes = responses_up_whole.annotations([answer_members(event.annotation)])
                yield {"delta": {"annotations": notes}}
            case "output_item.done":
                yield from self._close(event.item, told)
            case "completed" | "incomplete":
                yield from self._missed(event.response)
                yield {"finish_reason": finish(answer_members(event.response), calls=self._called > 0)}

    def _think(self, event: _Event, told: _Told) -> Iterator[Choice]:
        if told.said and event.summary_index != told.part:
            yield {"delta": {"reasoning_content": PARAGRAPH}}
        told.said, told.part = True, event.summary_index
        yield from _piece("reasoning_content", event.delta)

    def _open(self, item: _Item, told: _Told) -> Iterator[Choice]:
        if item.type not in CALLS or told.call is not None:
            return
        kind, member = CALLS[item.type]
        told.kind, told.call, self._called = item.type, self._called, self._called + 1
        inner = {"name": item.name, member: raw.EMPTY_TEXT}
        yield _call({"index": told.call, "id": item.call_id, "type": kind, kind: inner})

    def _more(self, told: _Told, piece: Raw) -> Iterator[Choice]:
        if told.call is None or not raw.has_text(piece):
            return
        told.said = True
        kind, member = CALLS[told.kind]
        yield _call({"index": told.call, kind: {member: piece}})

    def _close(self, given: Raw, told: _Told) -> Iterator[Choice]:
        """An item that is whole: what of it was not told until now, and what seals its thoughts."""
        item = _read(given)
        if item.type in CALLS:
            yield from self._open(item, told)
            if not told.said:
                yield from self._more(told, getattr(item, CALLS[item.type][1]))
        elif item.type:
            whole = responses_up_whole.message([answer_members(given)])
            for key in ("reasoning_content", "content", "refusal") if not told.said else ():
                yield from _piece(key, whole.get(key) or raw.NULL)
            if details := sealed(answer_members(given), self._details):
                self._details += len(details)
                yield {"delta": {"reasoning_details": details}}
        told.said = True

    def _missed(self, response: Raw) -> Iterator[Choice]:
        """Items that no event of their own told."""
        for index, item in enumerate(responses_up_whole.output(response)):
            if index not in self._items or not self._items[index].said:
                yield from self._close(raw.of(item), self._items.setdefault(index, _Told()))

    def _end(self, response: Raw) -> Iterator[bytes]:
        self._done = True
        if usage := spent(answer_members(response)):
            yield sse.encode(raw.encode(self._about | {"choices": [], "usage": usage}))
        yield sse.DONE

    def _chunk(self, choice: Choice, carried: Mapping[str, Raw] = {}) -> bytes:
        silent: Choice = {"index": 0, "delta": {}, "finish_reason": None}
        return sse.encode(raw.line({**self._about, "choices": [silent | choice], **carried}))


def _piece(key: str, piece: Raw, likely: Raw = raw.NULL) -> Iterator[Choice]:
    if raw.has_text(piece):
        logprobs = {} if raw.blank(likely) else {"logprobs": {"content": likely}}
        yield {"delta": {key: piece}} | logprobs


def _call(piece: dict[str, Any]) -> Choice:
    return {"delta": {"tool_calls": [piece]}}


def _read(given: Raw) -> _Item:
    try:
        return _item.decode(given)
    except (ValueError, RecursionError):
        return _Item()
