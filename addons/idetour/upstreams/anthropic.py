"""Speak Anthropic's Messages to upstreams that want it, so that the gateway need not know.

A request is prepared as for any other upstream, in Chat's fields and by the
catalog, and translated last. One that came as Messages goes on as it came, but
for the model and what the model is known to refuse. The answer is translated
as it arrives: what the gateway reads is Chat.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from idetour.profile import KnownModel, Manners, Model, Target, Upstream
from idetour.profile.build import thinking
from idetour.secret import Secret
from idetour.upstreams import openai
from idetour.upstreams.adapt import adapt, clamp, output_limits, stated
from idetour.upstreams.transport import Incoming, Outgoing, Transport, TransportError
from idetour.wire import anthropic, chat, raw, sse
from idetour.wire.anthropic_stream import ChatStream
from idetour.wire.anthropic_whole import completion
from idetour.wire.messages import MessagesRequest
from idetour.wire.places import Fields

WHOLE_BYTES = 64 << 20  # the largest message that is read into memory
COUNT_SECONDS = 5.0  # for the upstream to count tokens; an estimate is better than to wait
COUNTED = frozenset({
    "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control",
    "context_management", "mcp_servers",
})  # fmt: skip
SAMPLING = frozenset({"temperature", "top_p", "top_k"})
# Models that continue an answer which was begun for them, and those that cannot be made to call a tool.
# https://docs.anthropic.com/en/docs/about-claude/models
PREFILL = re.compile(r"claude-(?:3|\w+-4-5)")
NEVER_FORCED = re.compile(r"claude-(?:(?:opus|sonnet)-5-5|(?:fable|mythos)-5-[1-9])")

# How a model that the catalog does not know is asked to think: Claude in today's way, others in the older one.
OFF = {"thinking": {"type": "disabled"}}
ADAPTIVE = thinking(
    {
        "off": OFF,
        "on": {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "$effort"},
        },
    }
)
BUDGETED = thinking({"off": OFF, "on": {"thinking": {"type": "enabled", "budget_tokens": "$budget"}}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Native(Outgoing):
    """A request whose client speaks Messages too: it gets the answer's own events."""


def prepare(
    request: chat.ChatRequest,
    *,
    target: Target,
    upstream: Upstream,
    model: Model | None,
    known: KnownModel | None,
    key: Secret | None,
) -> Outgoing:
    """The whole request, as `openai.prepare` makes it for other upstreams. Raises BadRequest."""
    kind: type[Outgoing]
    manners = known.manners.over(upstream.manners) if known else upstream.manners
    stream = manners.stream == "only" or (request.stream and manners.stream != "never")
    if isinstance(request, MessagesRequest):
        kind, more = Native, beta(request)
        fields = own(request.native, manners=manners, model=model, known=known)
        fields |= {"model": raw.of(target.model), "stream": raw.of(stream)}
    else:
        kind, more = Outgoing, {}
        fields = adapt(
            request.fields,
            manners=manners,
            model_id=target.model,
            model=model,
            known=known or guessed(target),
            stream=stream,
        )
        fields = translated(fields, target, known)
    return kind(
        url=address(upstream),
        headers=headers(upstream, key, stream=stream) | more,
        body=chat.write(fields),
        proxy=upstream.proxy,
        ca=upstream.ca,
        first_byte=openai.patience(manners, known) if stream else openai.WHOLE_SECONDS,
    )


def translated(fields: Fields, target: Target, known: KnownModel | None) -> Fields:
    """Chat's fields as those of Messages, as far as this model takes them. Raises BadRequest."""
    prefill, never = PREFILL.match(target.model), NEVER_FORCED.match(target.model)
    made = anthropic.write(fields, prefill=bool(prefill), forced=not never)
    clamp(made, output_limits(known))  # once more: a budget of thought may have raised it
    return made


def own(native: Fields, *, manners: Manners, model: Model | None, known: KnownModel | None) -> Fields:
    """A Messages body as its client wrote it, less the sampling that the model refuses, and what the profile says."""
    fields = {name: value for name, value in native.items() if name not in manners.drop & SAMPLING}
    if model:
        fields = stated(model.defaults, manners) | fields | stated(model.always, manners)
        fields = {name: value for name, value in fields.items() if name not in model.drop}
    clamp(fields, output_limits(known))
    return fields


def guessed(target: Target) -> KnownModel:
    """What is taken to be so of a model that the catalog does not know."""
    way = ADAPTIVE if target.model.startswith("claude-") else BUDGETED
    return KnownModel(target=target, title=target.model, thinking=way)


def address(upstream: Upstream, what: str = "messages") -> str:
    """Some write the base URL with `/v1`, as they do for OpenAI, and some without, as Anthropic's SDKs do."""
    return f"{upstream.url.removesuffix('/v1')}/v1/{what}"


def headers(upstream: Upstream, key: Secret | None, *, stream: bool) -> dict[str, str]:
    """As for other upstreams, but for the version, and for where the key stands."""
    made = {"anthropic-version": anthropic.VERSION, **openai.headers(upstream, None, stream=stream)}
    if key is not None:
        made.pop("authorization", None)
        made["x-api-key"] = key.reveal()
    return made


async def count(
    transport: Transport, request: MessagesRequest, *, target: Target, upstream: Upstream, key: Secret | None
) -> int | None:
    """How many tokens the upstream itself counts; None where it does not say so in time."""
    fields = {name: value for name, value in request.native.items() if name in COUNTED}
    outgoing = Outgoing(
        url=address(upstream, "messages/count_tokens"),
        headers=headers(upstream, key, stream=False) | beta(request),
        body=chat.write(fields | {"model": raw.of(target.model)}),
        proxy=upstream.proxy,
        ca=upstream.ca,
        first_byte=COUNT_SECONDS,
    )
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            incoming = await transport.send(outgoing)
            try:
                body = await whole(incoming)
            finally:
                incoming.close()
        counted = msgspec.json.decode(body)["input_tokens"] if incoming.status == 200 else None
    except (TimeoutError, TransportError, ValueError, LookupError, TypeError):
        return None
    return counted if isinstance(counted, int) else None


def beta(request: MessagesRequest) -> dict[str, str]:
    return {"anthropic-beta": request.beta} if request.beta else {}


async def whole(incoming: Incoming) -> bytes:
    """The body to its end. Raises TransportError where it is larger than any message."""
    body = bytearray()
    while data := await incoming.read():
        body += data
        if len(body) > WHOLE_BYTES:
            raise TransportError("broken", f"the answer is larger than {WHOLE_BYTES >> 20} MiB")
    return bytes(body)


@dataclass(slots=True)
class Translating:
    """A transport whose good answers are Chat, though the upstream speaks Messages."""

    below: Transport

    async def send(self, outgoing: Outgoing) -> Incoming:
        incoming = await self.below.send(outgoing)
        if incoming.status != 200:
            return incoming  # `wire/fault.py` reads Anthropic's errors as it reads all others
        carry = isinstance(outgoing, Native)
        streams = incoming.headers.get("content-type", "").lower().startswith("text/event-stream")
        return Streamed(incoming, ChatStream(carry=carry)) if streams else Whole(incoming, carry=carry)


@dataclass(slots=True)
class Streamed:
    """An event stream, translated as it arrives."""

    below: Incoming
    machine: ChatStream
    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.status, self.headers = self.below.status, self.below.headers

    async def read(self) -> bytes:
        """A read that brought nothing to tell is a comment, for it shows that the upstream is alive."""
        if data := await self.below.read():
            return self.machine.feed(data) or sse.KEEP_ALIVE
        return self.machine.end()

    def close(self) -> None:
        self.below.close()


@dataclass(slots=True)
class Whole:
    """A message that comes at once, translated when it is complete."""

    below: Incoming
    carry: bool
    status: int = field(init=False)
    headers: Mapping[str, str] = field(init=False)
    _read: bool = False

    def __post_init__(self) -> None:
        self.status, self.headers = self.below.status, self.below.headers

    async def read(self) -> bytes:
        if self._read:
            return b""
        self._read = True
        return completion(await whole(self.below), created=int(time.time()), carry=self.carry)

    def close(self) -> None:
        self.below.close()
