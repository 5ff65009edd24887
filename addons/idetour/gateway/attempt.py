"""One try at one target with one key, up to the point where the answer is sure.

An upstream's answer is held back until its first event with content. Until
then nothing has reached the IDE, so any failure can still be turned into
another try; afterwards the answer is *committed* and never changes hands.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict

from idetour.errors import BadRequest, NotFound, RequestError, UpstreamError
from idetour.gateway import editing, faults
from idetour.gateway.health import Permit
from idetour.gateway.listener import Attentive, Listener
from idetour.gateway.live import ToldCollector, ToldRelay
from idetour.gateway.outgoing import fitted
from idetour.gateway.quirks import Quirks
from idetour.gateway.record import Record
from idetour.gateway.replay import Replay
from idetour.routes.plan import Candidate
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import Incoming, TransportError
from idetour.wire import completion, raw
from idetour.wire.chat import ChatRequest
from idetour.wire.chunks import Relay, Usage
from idetour.wire.completion import Collector
from idetour.wire.edits import Edits

IDLE_SECONDS = 120.0  # the longest silence inside an answer
HELD_EVENTS = 200
HELD_BYTES = 256 << 10
WHOLE_BYTES = 64 << 20  # the largest answer that is read into memory
ERROR_BYTES = 64 << 10


class Stamps(TypedDict):
    model: str
    id: str
    created: int


class Failed(Exception):
    """The attempt failed before anything reached the client. `sent` is the body that was, `key` with what."""

    def __init__(self, fault: faults.Fault, sent: bytes | None = None, key: Secret | None = None) -> None:
        super().__init__(str(fault.error))
        self.fault, self.sent, self.key = fault, sent, key


@dataclass(slots=True)
class Answer:
    """A committed answer. For a stream, `held` comes first and `relay` turns the rest; else `held` is all.

    Whoever has it closes it.
    """

    held: bytes
    incoming: Incoming
    relay: Relay | None = None
    usage: Usage | None = None
    said: int = 0  # bytes of what a whole answer says, where nobody counted its tokens
    explain: Callable[[UpstreamError], RequestError] = lambda error: error  # one that comes later, for people
    permit: Permit | None = None

    def broke(self, error: RequestError) -> None:
        """It ended badly after the commit: too late for another try, but not for the next request."""
        if self.permit:
            self.permit.failed(faults.Fault(scope="model", error=error))

    def close(self) -> None:
        self.incoming.close()
        if self.permit:
            self.permit.left()


async def attempt(
    transports: Transports,
    request: ChatRequest,
    candidate: Candidate,
    *,
    key: Secret | None,
    record: Record,
    quirks: Quirks | None = None,
    replay: Replay | None = None,
) -> Answer:
    """Ask the candidate. Returns a committed answer; raises Failed."""
    replay = replay or Replay()
    listener = Listener(replay, candidate)
    quirks = quirks or Quirks()
    request = overheard(request, candidate, record, quirks)
    try:
        outgoing, record.changed = fitted(request, candidate, key=key, quirks=quirks, replay=replay)
        record.fitted = outgoing.changed
        incoming = await transports.to(candidate.upstream, record.id).send(outgoing)
    except TransportError as error:
        raise Failed(faults.of_transport(error, candidate)) from error
    except (BadRequest, NotFound) as error:  # before anything was sent
        raise Failed(faults.of_body(error)) from error
    try:
        if incoming.status != 200:
            body = await error_page(incoming)
            fault = faults.of_answer(incoming.status, incoming.headers, body, candidate, key)
            raise Failed(fault, outgoing.body, key)
        edited = editing.edits(request, candidate, note=record.changed.append)
        answer = await (stream if request.stream else document)(incoming, request, record, listener, edited)
    except TransportError as error:
        incoming.close()
        raise Failed(faults.of_transport(error, candidate)) from error
    except UpstreamError as error:
        incoming.close()
        raise Failed(faults.of_event(error, candidate, key), outgoing.body, key) from error
    except BaseException:
        incoming.close()
        raise
    answer.explain = lambda error: faults.of_event(error, candidate, key).error
    return answer


def overheard(request: ChatRequest, candidate: Candidate, record: Record, quirks: Quirks) -> ChatRequest:
    """The request, to be asked for as a stream where somebody listens, and the client would lose nothing by that."""
    if record.live is None:
        return request
    record.live.asks(candidate.target)
    uncounted = any(each.field == "stream_options" for each in quirks.of(candidate.target))
    return replace(request, live=record.live.streams and not uncounted)


async def stream(
    incoming: Incoming, request: ChatRequest, record: Record, listener: Listener, edits: Edits | None
) -> Answer:
    """The answer for a streaming client, read until it is committed."""
    names = stamps(request, record)
    if not is_event_stream(incoming):
        body, usage = await completed(incoming, request, record, listener, edits)
        exploded = completion.explode(body, include_usage=request.include_usage, **names)
        return Answer(exploded, incoming, usage=usage, said=0 if usage else completion.spoken(body))
    kind = partial(ToldRelay, record.live) if record.live else Attentive
    relay = kind(include_usage=request.include_usage, edits=edits, **names)
    relay.listener = listener
    held = bytearray()
    while not relay.content and not relay.done and relay.events < HELD_EVENTS and len(held) < HELD_BYTES:
        data = await read(incoming)
        held += relay.feed(data) if data else relay.end()
        if relay.error:
            raise relay.error
    if relay.done and not relay.content:
        raise nothing()
    if record.live:
        record.live.begin(over=relay.done)
    return Answer(bytes(held), incoming, relay)


async def document(
    incoming: Incoming, request: ChatRequest, record: Record, listener: Listener, edits: Edits | None
) -> Answer:
    """The whole answer for a client that does not stream."""
    names = stamps(request, record)
    if not is_event_stream(incoming):
        body, usage = await completed(incoming, request, record, listener, edits)
        return Answer(body, incoming, usage=usage, said=0 if usage else completion.spoken(body))
    kind = partial(ToldCollector, record.live) if record.live else Collector
    collector = kind(edits=edits, **names)
    while not collector.done:
        # Silence before the first word is part of the time that a whole answer has.
        data = await (incoming.read() if request.live and not collector.content else read(incoming))
        collector.feed(data) if data else collector.end()
        if collector.error:
            raise collector.error
        if collector.said > WHOLE_BYTES:
            raise too_large(WHOLE_BYTES)
    if not collector.content:
        raise nothing()
    body = collector.result()
    listener.whole(body)
    usage = collector.usage
    return Answer(body, incoming, usage=usage, said=0 if usage else completion.spoken(body))


async def completed(
    incoming: Incoming, request: ChatRequest, record: Record, listener: Listener, edits: Edits | None
) -> tuple[bytes, Usage | None]:
    """A whole completion under the asked name, and what it used."""
    names = stamps(request, record)
    body, usage, error = completion.restamp(await whole(incoming), request.model, id=names["id"])
    if error:
        raise nothing() if choiceless(body) else error
    if edits:
        body = completion.edited(body, edits, **names)
    listener.whole(body)
    if record.live:
        record.live.whole(body)
    return body, usage


def choiceless(body: bytes) -> bool:
    """Whether it is a completion, and an empty one."""
    try:
        choices = raw.fields(body).get("choices", raw.EMPTY_TEXT)
    except ValueError:
        return False
    return choices in (raw.NULL, raw.EMPTY_LIST)


def nothing() -> UpstreamError:
    return UpstreamError("the upstream answered with nothing", code="upstream_empty")


def stamps(request: ChatRequest, record: Record) -> Stamps:
    """What is ours in an answer: the model's name as asked, and an id and time where the upstream gives none."""
    return {"model": request.model, "id": f"chatcmpl-{record.id[4:]}", "created": int(record.began)}


def is_event_stream(incoming: Incoming) -> bool:
    return incoming.headers.get("content-type", "").lower().startswith("text/event-stream")


async def read(incoming: Incoming) -> bytes:
    """What comes next; a silence that is too long is a broken answer."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await incoming.read()
    except TimeoutError:
        raise TransportError("broken", f"nothing came for {IDLE_SECONDS:.0f} s") from None


async def error_page(incoming: Incoming) -> bytes:
    """As much of it as comes: the status has said already that it failed."""
    body = bytearray()
    with contextlib.suppress(TransportError):
        while len(body) < ERROR_BYTES and (data := await read(incoming)):
            body += data
    return bytes(body[:ERROR_BYTES])


async def whole(incoming: Incoming, limit: int = WHOLE_BYTES) -> bytes:
    """The body to its end. Raises TransportError over the limit."""
    body = bytearray()
    while data := await read(incoming):
        body += data
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def too_large(limit: int) -> TransportError:
    return TransportError("broken", f"the answer is larger than {limit >> 20} MiB")
