"""`POST /api/chat` and `POST /api/claude`: small interfaces for scripts, whose answer is one flat object.

Both are the same pipeline as `/v1/chat/completions` in another envelope, so
fallback, limits and records are the same. `/api/claude` is `/v1/messages` for
those who send text and want text.
"""

from dataclasses import replace

from msgspec import Raw

from idetour.endpoints.chat import through, usual
from idetour.endpoints.entry import Visit
from idetour.endpoints.rules import read_rules, routed
from idetour.errors import BadRequest
from idetour.gateway.heard import Heard
from idetour.gateway.record import Record
from idetour.routes.asked import Asked
from idetour.wire import chat as wire
from idetour.wire import raw
from idetour.wire.assembly import answer_members, any_objects, as_text
from idetour.wire.chat import ChatRequest
from idetour.wire.messages import translate
from idetour.wire.messages_whole import message
from idetour.wire.raw import Fields
from idetour.wire.turns import kind, parts, turns

# What makes a message of Anthropic's more than text.
REFUSED = ("tools", "tool_choice", "thinking", "mcp_servers", "container", "output_config", "output_format")


async def chat(visit: Visit) -> None:
    """Chat Completions with `routing_rules`, and without the need to name a model."""
    exchange = visit.exchange
    request = wire.read(await exchange.body(), default=usual(visit.profile, visit.pipeline.listed))
    fields = dict(request.fields)
    rules = read_rules(fields.pop("routing_rules", raw.EMPTY_LIST))
    request = replace(request, fields=fields)
    if rules and (name := routed(rules, Asked(request=request).text)):
        request = replace(request, model=name)
    if request.stream:
        await through(visit, request, exchange)
    else:
        heard = Heard()
        record = await through(visit, request, heard)
        await exchange.answer(200, flat(heard.completion(record), record), heard.marks)


async def claude(visit: Visit) -> None:
    """A message of Anthropic's protocol, of text alone; without the need to name a model here either."""
    body = await visit.exchange.body()
    asked = wire.read(body, default=usual(visit.profile, visit.pipeline.listed))
    check_plain(asked)
    request = translate(asked)
    heard = Heard()
    record = await through(visit, request, heard)
    body = heard.completion(record)
    id = f"msg_{record.id.removeprefix('req_')}"
    told = message(body, model=request.model, id=id, stops=request.stops)
    await visit.exchange.answer(200, raw.encode(raw.fields(told) | marked(record)), heard.marks)


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
    first = next(iter(any_objects(completion.get("choices", raw.NULL))), {})
    return first, answer_members(first.get("message", raw.NULL))


def marked(record: Record) -> dict[str, Raw]:
    """Who really answered, for those who do not look at headers."""
    return {"_actual_model_used": raw.of(str(record.target)), "_attempts": raw.of(len(record.tried))}


def check_plain(request: ChatRequest) -> None:
    """Raises BadRequest for what is not text, and names it."""
    if request.stream:
        raise text_alone("stream")
    for name in REFUSED:
        if not raw.blank(request.fields.get(name, raw.NULL)):
            raise text_alone(name)
    contents = {"system": request.fields.get("system", raw.NULL)}
    contents |= {f"messages[{n}].content": turn.content for n, turn in enumerate(turns(request.fields))}
    for where, content in contents.items():
        for place, part in enumerate(parts(content)):
            if kind(part) != "text":
                raise text_alone(f"{where}[{place}]", kind(part)[:40])


def text_alone(param: str, what: str = "") -> BadRequest:
    said = f"`{param}`" + (f" is of type {what!r}" if what else " is there")
    return BadRequest(
        f"/api/claude takes text alone and does not stream: {said}. Ask /v1/messages, which takes it all.",
        code="unsupported_parameter",
        param=param,
    )
