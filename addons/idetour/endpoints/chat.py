"""`POST /v1/chat/completions`, and `/chat/completions` and `/` for those who ask there."""

from dataclasses import replace

from idetour.endpoints import deployment, passthrough
from idetour.endpoints.access import access_mark, client_key
from idetour.endpoints.entry import Visit
from idetour.gateway.delivery import Client
from idetour.gateway.live import Live
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.routes.asked import Asked
from idetour.routes.plan import Listed, named, offered
from idetour.wire import chat, mixed
from idetour.wire.embeddings import EmbeddingsRequest


async def post(visit: Visit) -> None:
    """Answer, and stop as soon as nobody listens any more."""
    exchange = visit.exchange
    body = await exchange.body()
    deployed = deployment.named(exchange.path)
    default = deployed or unnamed(visit)
    request = mixed.read(body, default=default)
    request = replace(request, model=deployed) if deployed else request
    if not await passthrough.instead(visit, body, request.model):
        await through(visit, request, exchange)


def unnamed(visit: Visit) -> str | None:
    """Who is asked where no model is named; None: that is a mistake. Tools that ask `/` know a host and no more."""
    profile = visit.profile
    if visit.path == "/":
        return usual(profile, visit.pipeline.listed)
    return "default" if "default" in profile.routes else None


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
    door.record = Record(asked=request.model, door=door.name, id=exchange.id)
    door.record.live = listened(visit, request, door.record)
    asked, key = question(visit, request), client_key(profile, exchange.headers)
    try:
        async with exchange.attended():
            await visit.pipeline.chat(profile, request, client, key=key, record=door.record, asked=asked)
    finally:
        if door.grant:
            visit.app.admin.grants.count(door.grant, door.record)
    return door.record


def listened(visit: Visit, request: chat.ChatRequest, record: Record) -> Live | None:
    """Where to tell what the model says, if somebody listens to the token that it was asked with."""
    grant, grants = visit.door.grant, visit.app.admin.grants
    news = grants.heard(grant) if grant and not isinstance(request, EmbeddingsRequest) else None
    return Live(news, record.id, request.model, streams=not request.stream) if news else None
