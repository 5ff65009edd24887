"""`POST /v1/chat/completions`, and `/chat/completions` and `/` for those who ask there."""

from dataclasses import replace

from idetour.endpoints import deployment, passthrough
from idetour.endpoints.access import access_mark, client_key
from idetour.endpoints.entry import Visit
from idetour.gateway.delivery import Client
from idetour.gateway.record import Record
from idetour.routes.asked import Asked
from idetour.wire import chat, responses


async def post(visit: Visit) -> None:
    """Answer, and stop as soon as nobody listens any more."""
    exchange = visit.exchange
    body = await exchange.body()
    named = deployment.named(exchange.path)
    default = named or ("default" if "default" in visit.profile.routes else None)
    request = responses.misplaced(body, default=default) or chat.read(body, default=default)
    request = replace(request, model=named) if named else request
    if not await passthrough.instead(visit, body, request.model):
        await through(visit, request, exchange)


def question(visit: Visit, request: chat.ChatRequest) -> Asked:
    """The request and how it came, as rules look at it."""
    headers = visit.exchange.headers
    access = access_mark(visit.profile, headers)
    return Asked(request=request, path=visit.exchange.path, headers=headers, access=access)


async def through(visit: Visit, request: chat.ChatRequest, client: Client) -> Record:
    """Have the pipeline tell `client` the answer, for as long as who asked is there. Returns what happened."""
    exchange, door, profile = visit.exchange, visit.door, visit.profile
    if door.grant:
        door.grant.check(request.model)
    door.record = Record(asked=request.model, door=door.name)
    asked, key = question(visit, request), client_key(profile, exchange.headers)
    try:
        async with exchange.attended():
            await visit.pipeline.chat(profile, request, client, key=key, record=door.record, asked=asked)
    finally:
        if door.grant:
            door.grant.count(door.record)
    return door.record
