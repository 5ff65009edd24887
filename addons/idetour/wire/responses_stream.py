"""A Chat Completions stream, told as the events of Responses.

The stream comes from our own relay: whole events, one id, a good end or an
error. It is told as

    created, in_progress                        before anything else
    output_item.added … output_item.done        for each item, one number each
    completed | incomplete | failed             with all items, once, and nothing after it

One message or reasoning item is open at a time: what is of another kind closes
it. Tool calls may be interleaved, so each stays open until the end: clients run
a call when it is done, and half of its arguments might still come. An error is
told twice: as `error`, which holds our code and is what SDKs show, and as
`response.failed`, which agents wait for.
"""

from collections.abc import Mapping

from msgspec import Raw

from idetour.errors import UpstreamError
from idetour.wire import completion, raw, responses_output, sse
from idetour.wire.assembly import ToolCall, ToolCalls, answer_members, any_objects, as_text
from idetour.wire.chunks import error_in, parse
from idetour.wire.fault import Fault, parse_error
from idetour.wire.messages_stream import PLAIN, has_plain
from idetour.wire.responses_object import REASONS, Frame, failure
from idetour.wire.responses_output import REASONING, REFUSAL, TEXT, Called, Item, Kind, Spoken
from idetour.wire.responses_reasoning import words
from idetour.wire.responses_tools import Toolbox
from idetour.wire.turns import string
from idetour.wire.usage import Usage

LONGEST = 64 << 20  # bytes of an event: an answer that came whole is told as a few
NATIVE = "x_responses"  # a chunk's or a completion's member that holds the event or the response itself
FIRST = (b"0", b'"0"', b"null")  # the choice that is told: Responses has only one


class Teller:
    """`feed` takes bytes cut anywhere. `status` and `response` are the last that was told."""

    def __init__(self, frame: Frame, tools: Toolbox, *, sealed: bool = False) -> None:
        self.status = "queued"
        self.response = b""
        self._frame, self._tools, self._sealed = frame, tools, sealed
        self._reader = sse.Reader(limit=LONGEST)
        self._told: list[bytes] = []
        self._number = 0
        self._items: list[Item] = []
        self._speaking: Spoken | None = None
        self._calls = ToolCalls()
        self._called: dict[ToolCall, Called] = {}
        self._finish = raw.NULL
        self._plain = False  # thoughts came as plain text
        self._usage: Usage | None = None
        self._relayed: list[Raw] | None = None  # items that an upstream of the same protocol told itself

    @property
    def id(self) -> str:
        return self._frame.id

    @property
    def over(self) -> bool:
        return self.status in ("completed", "incomplete", "failed")

    def feed(self, data: bytes) -> bytes:
        """Chat's bytes in, the events that they amount to out."""
        for event in self._reader.feed(data):
            self._take(event.data)
        return self._said()

    def end(self) -> bytes:
        """The end of the stream; a stream that said nothing of its end has failed."""
        for event in self._reader.close():
            self._take(event.data)
        if not self.over:
            self._fail(Fault("the answer broke off before it was complete", code="upstream_truncated"))
        return self._said()

    def _said(self) -> bytes:
        told, self._told = b"".join(self._told), []
        return told

    def _take(self, data: bytes) -> None:
        if self.over:
            return
        if (event := native(data)) is not None:
            self._relay(event)
            return
        if self.status == "queued":
            for kind in ("created", "in_progress"):
                self._turn(kind, "in_progress")
        if data.strip() == b"[DONE]":
            self._complete()
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            fields, choices = parse(data)
        except ValueError:
            return
        if error_in(data, fields, choices):
            self._fail(parse_error(data))
            return
        if self._relayed is not None:
            return  # the rest of such a chunk was only for the gateway
        self._usage = Usage.read(fields.get("usage", raw.NULL)) or self._usage
        for choice in any_objects(fields.get("choices", raw.NULL)):
            if bytes(choice.get("index", raw.NULL)) in FIRST:
                self._hear(choice)

    def _relay(self, event: Raw) -> None:
        """An event of the upstream's own as it came, but for whose response it is."""
        fields = raw.fields(event)
        type = string(fields.get("type", raw.NULL))
        self._relayed = [] if self._relayed is None else self._relayed
        number = raw.value(fields.get("sequence_number", raw.NULL))
        self._number = (number if isinstance(number, int) else self._number) + 1
        if "response" in fields:
            fields["response"] = Raw(self.adopt(fields["response"], by=type))
        elif type == "response.output_item.done" and "item" in fields:
            self._relayed.append(fields["item"])
        self._told.append(sse.encode(raw.encode(fields), type.encode()))

    def adopt(self, response: Raw, *, by: str) -> bytes:
        """A response of the upstream's as ours: its id, its model, and what is kept of it are our affair.

        `by` is the type of the event that told it.
        """
        fields = answer_members(response)
        self.response = raw.encode(fields | self._frame.ours)
        ends = by.removeprefix("response.")
        self.status = ends if ends in ("completed", "incomplete") else "in_progress"
        return self.response

    def _hear(self, choice: Mapping[str, Raw]) -> None:
        delta = answer_members(choice.get("delta", raw.NULL))
        self._plain = self._plain or has_plain(delta)
        for thought in thoughts(delta, plain=self._plain):
            self._say(REASONING, thought)
        details = delta.get("reasoning_details", raw.NULL)
        if self._sealed and any_objects(details):
            self._keep(details)
        likely = answer_members(choice.get("logprobs", raw.NULL)).get("content", raw.NULL)
        self._say(TEXT, as_text(delta.get("content", raw.NULL)), likely)
        self._say(REFUSAL, delta.get("refusal", raw.NULL))
        for piece in any_objects(delta.get("tool_calls", raw.NULL)):
            self._call(piece)
        if raw.blank(self._finish):  # some send it twice
            self._finish = choice.get("finish_reason", raw.NULL)

    def _say(self, kind: Kind, text: Raw, likely: Raw = raw.NULL) -> None:
        if raw.has_text(text):
            self._speaker(kind.item).say(kind, text, likely)

    def _keep(self, details: Raw) -> None:
        """Signatures go with the reasoning that they sign; those that come later get an item of their own."""
        self._speaker("reasoning").details.add({"delta": Raw(b'{"reasoning_details":%b}' % details)})

    def _speaker(self, kind: str) -> Spoken:
        """The open item of this kind."""
        if self._speaking is None or self._speaking.kind != kind:
            self._silence()
            self._speaking = Spoken(self._id(kind), len(self._items), self._tell, kind=kind)
            self._open(self._speaking)
        return self._speaking

    def _silence(self) -> None:
        if self._speaking is not None:
            self._speaking.close("completed")
            self._speaking = None

    def _call(self, piece: dict[str, Raw]) -> None:
        call = self._calls.add(piece)
        if call in self._called:
            return self._called[call].say(
                answer_members(piece.get("function", raw.NULL)).get("arguments", raw.NULL)
            )
        if name := responses_output.name(call):
            self._silence()
            known, number = self._tools.known_as(name), len(self._items)
            id = call.id if raw.has_text(call.id) else raw.of(self._id("call"))
            kind = "custom_tool_call" if known.custom else "function_call"
            called = Called(self._id(kind), number, self._tell, call=call, known=known, call_id=id)
            self._called[call] = called
            self._open(called)
            called.say(responses_output.arguments(call))

    def _id(self, kind: str) -> str:
        """An id that no other item of any response has."""
        return f"{responses_output.PREFIXES.get(kind, kind)}_{self._frame.suffix}{len(self._items):02x}"

    def _open(self, item: Item) -> None:
        self._items.append(item)
        item.open()

    def _complete(self) -> None:
        reason = REASONS.get(string(self._finish))
        status = "incomplete" if reason else "completed"
        for item in self._items:
            if item.status == "in_progress":
                item.close(status)
        told = {"incomplete_details": {"reason": reason}} if reason else {}
        self._turn(status, status, **told)

    def _fail(self, fault: Fault) -> None:
        """What was said until now stays in the response, marked as incomplete."""
        if self.status == "queued":
            self._turn("created", "in_progress")
        for item in self._items:
            item.status = "incomplete" if item.status == "in_progress" else item.status
        self._tell("error", code=fault.code, message=fault.message, param=fault.param)
        self._turn("failed", "failed", error=failure(fault))

    def _turn(self, event: str, status: str, **told: object) -> None:
        """Tell a new state of the response."""
        output = [*(self._relayed or ()), *(item.whole() for item in self._items)]
        self.status = status
        self.response = self._frame.response(status, output, usage=self._usage, **told)
        if self.over and self.response.find(rb"\u") >= 0:
            self.response = raw.mended(self.response)  # half an emoji whose other half never came
        self._tell(f"response.{event}", response=Raw(self.response))

    def _tell(self, type: str, **members: object) -> None:
        data = raw.line({"type": type, "sequence_number": self._number, **members})
        self._number += 1
        self._told.append(sse.encode(data, type.encode()))


def thoughts(delta: Mapping[str, Raw], *, plain: bool) -> list[Raw]:
    """The words of reasoning in a delta. Some send them twice: as `plain` text and, there or later, in details."""
    if not plain:
        return words(any_objects(delta.get("reasoning_details", raw.NULL)))
    told = [delta[key] for key in PLAIN if key in delta]
    return [text for text in told if raw.has_text(text)][:1]


def native(data: bytes) -> Raw | None:
    """What a chunk or a completion carries of the upstream's own."""
    return answer_members(Raw(data)).get(NATIVE) if data.find(b'"%b"' % NATIVE.encode()) >= 0 else None


def whole(body: bytes, teller: Teller) -> bytes:
    """A chat.completion as a response. Raises UpstreamError where it is none."""
    if (told := native(body)) is not None:  # the response itself, or the event that ends a stream of it
        response = answer_members(told).get("response", told)
        return teller.adopt(
            response, by=string(answer_members(response).get("status", raw.NULL)) or "completed"
        )
    teller.feed(completion.explode(body, model="", id="", created=0, include_usage=True))
    if teller.status == "failed":
        raise UpstreamError(string(answer_members(answer_members(Raw(teller.response))["error"])["message"]))
    return teller.response
