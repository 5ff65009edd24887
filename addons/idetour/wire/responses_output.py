"""The items that an answer consists of, each of which tells its own events.

    Spoken   a message or reasoning: parts of text, one after the other
    Called   a tool call: its arguments, beside others that are open as well

Text is raw JSON throughout: pieces are joined without being decoded.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Raw

from idetour.wire import raw, turns
from idetour.wire.assembly import Assembly, ToolCall, answer_members
from idetour.wire.responses_reasoning import sealed
from idetour.wire.responses_tools import Known

type Fields = dict[str, object]
type Tell = Callable[..., None]  # tell(type, **members): one event


@dataclass(frozen=True, slots=True)
class Kind:
    """How a part of an item is called: itself, the member that holds its text, its events, its number."""

    item: str
    part: str
    member: str
    part_event: str
    text_event: str
    number: str


TEXT = Kind("message", "output_text", "text", "content_part", "output_text", "content_index")
REFUSAL = Kind("message", "refusal", "refusal", "content_part", "refusal", "content_index")
REASONING = Kind(
    "reasoning", "summary_text", "text", "reasoning_summary_part", "reasoning_summary_text", "summary_index"
)
PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc"}


@dataclass(slots=True)
class Part:
    kind: Kind
    said: list[bytes] = field(default_factory=list)  # without quotes
    logprobs: list[bytes] = field(default_factory=list)  # without brackets

    @property
    def text(self) -> Raw:
        return Raw(b'"%b"' % b"".join(self.said))

    def probable(self) -> Fields:
        """`logprobs` where the part has such a thing."""
        return {"logprobs": Raw(b"[%b]" % b",".join(self.logprobs))} if self.kind is TEXT else {}

    def whole(self) -> Fields:
        notes: Fields = {"annotations": []} if self.kind is TEXT else {}
        return {"type": self.kind.part, self.kind.member: self.text, **notes, **self.probable()}


@dataclass(slots=True)
class Item(ABC):
    id: str
    index: int
    tell: Tell
    status: str = "in_progress"

    @property
    def about(self) -> Fields:
        return {"item_id": self.id, "output_index": self.index}

    def open(self) -> None:
        self.tell("response.output_item.added", output_index=self.index, item=self.whole())

    def close(self, status: str) -> None:
        self.status = status
        self.tell("response.output_item.done", output_index=self.index, item=self.whole())

    @abstractmethod
    def whole(self) -> Fields:
        """All of it, as far as it has come."""


@dataclass(slots=True, kw_only=True)
class Spoken(Item):
    kind: str  # "message" or "reasoning"
    parts: list[Part] = field(default_factory=list)
    details: Assembly = field(default_factory=Assembly)  # what a client is to keep of the reasoning

    def say(self, kind: Kind, text: Raw, logprobs: Raw = raw.NULL) -> None:
        if not self.parts or self.parts[-1].kind is not kind:
            self._end_part()
            self.parts.append(Part(kind))
            self._tell_part("added")
        part = self.parts[-1]
        part.said.append(bytes(text)[1:-1])
        likely = {"logprobs": raw.EMPTY_LIST} if kind is TEXT else {}
        if kind is TEXT and raw.kind(logprobs) == b"[" and not raw.blank(logprobs):
            part.logprobs.append(bytes(logprobs).strip()[1:-1])
            likely = {"logprobs": logprobs}
        self.tell(f"response.{kind.text_event}.delta", **self._here(kind), delta=text, **likely)

    def close(self, status: str) -> None:
        self._end_part()
        Item.close(self, status)

    def whole(self) -> Fields:
        parts = [part.whole() for part in self.parts]
        made: Fields = {"id": self.id, "type": self.kind, "status": self.status}
        if self.kind == "message":
            return made | {"role": "assistant", "content": parts}
        return made | {"summary": parts} | self._kept()

    def _kept(self) -> Fields:
        if self.status == "in_progress":  # not whole yet
            return {}
        details = again(self.details.whole(0)["message"]).get("reasoning_details", raw.NULL)
        return {} if details is raw.NULL else {"encrypted_content": sealed(details)}

    def _here(self, kind: Kind) -> Fields:
        return {**self.about, kind.number: len(self.parts) - 1}

    def _tell_part(self, what: str) -> None:
        part = self.parts[-1]
        self.tell(f"response.{part.kind.part_event}.{what}", **self._here(part.kind), part=part.whole())

    def _end_part(self) -> None:
        if not self.parts:
            return
        part = self.parts[-1]
        said = {part.kind.member: part.text, **part.probable()}
        self.tell(f"response.{part.kind.text_event}.done", **self._here(part.kind), **said)
        self._tell_part("done")


@dataclass(slots=True, kw_only=True)
class Called(Item):
    call: ToolCall
    known: Known
    call_id: Raw

    def say(self, arguments: Raw) -> None:
        """A piece of the arguments. A custom tool's text stands inside them, and is told when it is whole."""
        if not self.known.custom and raw.has_text(arguments):
            self.tell("response.function_call_arguments.delta", **self.about, delta=arguments)

    def close(self, status: str) -> None:
        self.status = status
        event = "custom_tool_call_input" if self.known.custom else "function_call_arguments"
        if self.known.custom or raw.blank(arguments(self.call)):  # of which nothing was told until now
            self.tell(f"response.{event}.delta", **self.about, delta=self.value)
        self.tell(f"response.{event}.done", **self.about, **{self.member: self.value})
        Item.close(self, status)

    def whole(self) -> Fields:
        made: Fields = {"id": self.id, "type": self.kind, "status": self.status, "call_id": self.call_id}
        made |= {"name": self.known.name} | ({"namespace": self.known.space} if self.known.space else {})
        return made | {self.member: raw.EMPTY_TEXT if self.status == "in_progress" else self.value}

    @property
    def value(self) -> Raw:
        """What the tool is given. Without arguments an empty object, for clients parse what they get."""
        said = arguments(self.call)
        if self.known.custom:
            return free_text(said)
        return Raw(b'"{}"') if raw.blank(said) else said

    @property
    def member(self) -> str:
        return "input" if self.known.custom else "arguments"

    @property
    def kind(self) -> str:
        return "custom_tool_call" if self.known.custom else "function_call"


def arguments(call: ToolCall) -> Raw:
    """All arguments that have come, as a string; "" where there are none."""
    said = function(call).get("arguments", raw.EMPTY_TEXT)
    return said if raw.is_text(said) else raw.EMPTY_TEXT


def name(call: ToolCall) -> str:
    return turns.string(function(call).get("name", raw.NULL))


def function(call: ToolCall) -> dict[str, Raw]:
    return again(call.whole(0).get("function", raw.NULL))


def again(written: Raw) -> dict[str, Raw]:
    """The members of what was put together here, in which half an emoji may wait for its other half."""
    try:
        return answer_members(written)
    except ValueError:
        return answer_members(Raw(raw.masked(bytes(written))))


def free_text(arguments: Raw) -> Raw:
    """What a custom tool is given: the member `input`, or all of it where the model did not keep to the form."""
    found = turns.any_members(Raw(turns.string(arguments).encode())).get("input", raw.NULL)
    return found if raw.is_text(found) else arguments
