"""`POST /v1/chat/completions`, and `/chat/completions` and `/` for those who ask there."""

from dataclasses import replace

from idetour.endpoints import deployment, passthrough
from idetour.endpoints.access import access_mark, client_key
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.entry import Entry
from idetour.gateway.delivery import Client
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.routes.asked import Asked
from idetour.wire import chat, responses


async def post(exchange: Exchange, door: Entry, profile: Profile, pipeline: Pipeline) -> None:
    """Answer, and stop as soon as nobody listens any more."""
    body = await exchange.body()
    named = deployment.named(exchange.path)
    default = named or ("default" if "default" in profile.routes else None)
    request = responses.misplaced(body, default=default) or chat.read(body, default=default)
    request = replace(request, model=named) if named else request
    if door.host and profile.passthrough and not pipeline.knows(profile, request.model):
        return await passthrough.relay(exchange, door.host, body, profile, pipeline.transports)
    await through(exchange, door, profile, pipeline, request, exchange)


def question(exchange: Exchange, profile: Profile, request: chat.ChatRequest) -> Asked:
    """The request and how it came, as rules look at it."""
    headers = exchange.headers
    return Asked(request=request, path=exchange.path, headers=headers, access=access_mark(profile, headers))


async def through(
    exchange: Exchange,
    door: Entry,
    profile: Profile,
    pipeline: Pipeline,
    request: chat.ChatRequest,
    client: Client,
) -> Record:
    """Have the pipeline tell `client` the answer, for as long as who asked is there. Returns what happened."""
    if door.grant:
        door.grant.check(request.model)
    door.record = Record(asked=request.model, door=door.name)
    asked, headers = question(exchange, profile, request), exchange.headers
    try:
        async with exchange.attended():
            await pipeline.chat(
                profile, request, client, key=client_key(profile, headers), record=door.record, asked=asked
            )
    finally:
        if door.grant:
            door.grant.count(door.record)
    return door.record
