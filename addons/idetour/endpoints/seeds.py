"""`POST /api/chat` and `POST /api/claude`: small interfaces for scripts, whose answer is one flat object.

Both are the same pipeline as `/v1/chat/completions` in another envelope, so
fallback, limits and records are the same. The whole of Claude's protocol is
not spoken here: `/api/claude` takes text and gives text.
"""

from dataclasses import replace
from typing import Any, Literal

import msgspec
from msgspec import Raw

from idetour.endpoints.asgi import Exchange
from idetour.endpoints.chat import through
from idetour.endpoints.door import Door
from idetour.endpoints.heard import Heard
from idetour.endpoints.rules import read_rules, routed
from idetour.errors import BadRequest, RequestError
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.routes.asked import Asked
from idetour.routes.plan import Listed, named, offered
from idetour.wire import chat as wire
from idetour.wire import raw
from idetour.wire.assembly import as_text, members, objects
from idetour.wire.chat import ChatRequest
from idetour.wire.turns import Fields, string
from idetour.wire.usage import Usage

# What ends an answer, in Claude's words.
STOP_REASONS = {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
# What an error is called there, where it has another name than OpenAI's.
ERROR_TYPES = {
    404: "not_found_error",
    413: "request_too_large",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
REFUSED = ("tools", "tool_choice", "thinking", "mcp_servers", "container")  # of Claude's fields


async def chat(exchange: Exchange, door: Door, profile: Profile, pipeline: Pipeline) -> None:
    """Chat Completions with `routing_rules`, and without the need to name a model."""
    request = wire.read(await exchange.body(), default=usual(profile, pipeline.listed))
    fields = dict(request.fields)
    rules = read_rules(fields.pop("routing_rules", raw.EMPTY_LIST))
    request = replace(request, fields=fields)
    if rules and (name := routed(rules, Asked(request=request).text)):
        request = replace(request, model=name)
    if request.stream:
        await through(exchange, door, profile, pipeline, request, exchange)
    else:
        heard = Heard()
        record = await through(exchange, door, profile, pipeline, request, heard)
        await exchange.answer(200, flat(heard.completion(record), record), heard.marks)


async def claude(exchange: Exchange, door: Door, profile: Profile, pipeline: Pipeline) -> None:
    """A message in the shape of Claude's API, of text alone."""
    body = await exchange.body()
    try:
        request = read_claude(body, usual(profile, pipeline.listed))
        heard = Heard()
        record = await through(exchange, door, profile, pipeline, request, heard)
        await exchange.answer(200, message(heard.completion(record), record), heard.marks)
    except RequestError as error:
        if exchange.started:
            raise
        ours = error.type if error.status < 500 else "api_error"
        said = {"type": ERROR_TYPES.get(error.status, ours), "message": error.message}
        await exchange.answer(error.status, raw.encode({"type": "error", "error": said}), error.headers)


def usual(profile: Profile, listed: Listed) -> str | None:
    """Who is asked where nobody is named: the route `default`, else the first that can answer, the demo last."""
    if "default" in profile.routes:
        return "default"

    def standing(name: str) -> tuple[bool, bool]:
        rules = profile.routes.get(name, ())
        names = [each for rule in rules for each in (*rule.use, *rule.otherwise)] or [name]
        upstreams = [found.upstream for each in names if (found := named(profile, each, listed))]
        able = [upstream for upstream in upstreams if upstream.ready]
        return not able, all(upstream.speaks == "demo" for upstream in able)

    return min(offered(profile, listed), key=standing, default=None)


def flat(body: bytes, record: Record) -> bytes:
    """The answer of `/api/chat`: what the model said stands at the top, as the bytes that came."""
    completion = raw.fields(body)
    first, said = choice(completion)
    made = {
        "id": completion.get("id", raw.NULL),
        "model": completion["model"],
        "role": said.get("role", raw.of("assistant")),
        "content": as_text(said.get("content", raw.NULL)),
        "finish_reason": first.get("finish_reason", raw.NULL),
        "usage": completion.get("usage", raw.NULL),
    }
    reasoning = said.get("reasoning_content", said.get("reasoning", raw.NULL))
    more = {"tool_calls": said.get("tool_calls", raw.NULL), "reasoning": reasoning}
    made |= {name: value for name, value in more.items() if not raw.blank(value)}
    return raw.encode(made | marked(record))


def choice(completion: Fields) -> tuple[Fields, Fields]:
    """The first choice, and its message."""
    first = next(iter(objects(completion.get("choices", raw.NULL))), {})
    return first, members(first.get("message", raw.NULL))


def marked(record: Record) -> dict[str, Raw]:
    """Who really answered, for those who do not look at headers."""
    return {"_actual_model_used": raw.of(str(record.target)), "_attempts": raw.of(len(record.tried))}


# Claude's envelope.


class Block(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class Said(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class Message(msgspec.Struct, frozen=True):
    messages: list[Said]
    model: str | None = None
    system: str | list[Block] = ""
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


def read_claude(body: bytes, default: str | None) -> ChatRequest:
    """A message in Claude's shape as a Chat Completions request. Raises BadRequest."""
    try:
        said = msgspec.json.decode(raw.mended(body), type=Message)
        more = raw.fields(body) if said else {}
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not a message in Claude's shape: {error}.") from None
    for name in REFUSED:
        if not raw.blank(more.get(name, raw.NULL)):
            raise text_alone(f"`{name}`", name)
    if said.stream:
        raise text_alone("`stream`", "stream")
    system = [{"role": "system", "content": plain(said.system, "system")}] if said.system else []
    turns = [
        {"role": each.role, "content": plain(each.content, f"messages[{place}].content")}
        for place, each in enumerate(said.messages)
    ]
    options = {
        "max_tokens": said.max_tokens,
        "temperature": said.temperature,
        "top_p": said.top_p,
        "stop": said.stop_sequences,
    }
    stated: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    model = {"model": said.model} if said.model is not None else {}
    return wire.read(raw.encode(model | {"messages": [*system, *turns]} | stated), default=default)


def plain(content: str | list[Block], where: str) -> str:
    """Content that is text and nothing else."""
    if isinstance(content, str):
        return content
    for place, block in enumerate(content):
        if block.type != "text":
            raise text_alone(f"`{block.type[:40]}` in `{where}[{place}]`", f"{where}[{place}]")
    return "\n\n".join(block.text for block in content)


def text_alone(what: str, param: str) -> BadRequest:
    return BadRequest(
        f"/api/claude takes text alone, without streaming: it does not take {what}. "
        "Ask /v1/chat/completions for that.",
        code="unsupported_parameter",
        param=param,
    )


def message(body: bytes, record: Record) -> bytes:
    """The answer of `/api/claude`."""
    completion = raw.fields(body)
    first, said = choice(completion)
    text = as_text(said.get("content", raw.NULL))
    usage = record.usage or Usage()
    made = {
        "id": f"msg_{record.id[4:]}",
        "type": "message",
        "role": "assistant",
        "model": completion["model"],
        "content": [] if raw.blank(text) else [{"type": "text", "text": text}],
        "stop_reason": STOP_REASONS.get(string(first.get("finish_reason", raw.NULL)), "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
    }
    return raw.encode(made | marked(record))
