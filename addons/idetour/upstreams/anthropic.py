"""Speak Anthropic's Messages to upstreams that want it, so that the gateway need not know.

A request is prepared as for any other upstream, in Chat's fields and by the
catalog, and translated last. One that came as Messages goes on as it came, but
for the model and what the model is known to refuse.
"""

import asyncio
import re
import time
from functools import partial

import msgspec

from idetour.profile import KnownModel, Target, Upstream
from idetour.profile.build import thinking
from idetour.secret import Secret
from idetour.upstreams import openai
from idetour.upstreams.adapt import clamp, output_limits
from idetour.upstreams.asking import Asking
from idetour.upstreams.foreign import Foreign, whole
from idetour.upstreams.transport import Outgoing, Transport, TransportError
from idetour.wire import anthropic, chat, raw
from idetour.wire.anthropic_stream import ChatStream
from idetour.wire.anthropic_whole import completion
from idetour.wire.messages import MessagesRequest
from idetour.wire.raw import Fields

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


def prepare(asking: Asking) -> Foreign:
    """Raises BadRequest."""
    request, more = asking.request, {}
    if own := isinstance(request, MessagesRequest):
        fields, more = asking.native(request.native, SAMPLING), beta(request)
    else:
        fields = translated(asking.adapted(guessed(asking.target)), asking.target, asking.known)
    return asking.outgoing(
        address(asking.upstream),
        fields,
        headers=headers(asking.upstream, asking.key, stream=asking.stream) | more,
        kind=Foreign,
        machine=partial(ChatStream, carry=own, whole=not request.stream),
        whole=partial(completion, created=int(time.time()), carry=own),
    )


def translated(fields: Fields, target: Target, known: KnownModel | None) -> Fields:
    """Chat's fields as those of Messages, as far as this model takes them. Raises BadRequest."""
    prefill, never = PREFILL.match(target.model), NEVER_FORCED.match(target.model)
    made = anthropic.write(fields, prefill=bool(prefill), forced=not never)
    clamp(made, output_limits(known))  # once more: a budget of thought may have raised it
    return made


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
