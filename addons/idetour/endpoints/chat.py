"""`POST /v1/chat/completions`, and `/chat/completions` and `/` for those who ask there."""

from idetour.endpoints import passthrough
from idetour.endpoints.access import client_key
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.door import Door
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.wire import chat


async def post(exchange: Exchange, door: Door, profile: Profile, pipeline: Pipeline) -> None:
    """Answer, and stop as soon as nobody listens any more."""
    body = await exchange.body()
    request = chat.read(body, default="default" if "default" in profile.routes else None)
    if door.host and profile.passthrough and not pipeline.knows(profile, request.model):
        return await passthrough.relay(exchange, door.host, body, profile, pipeline.transports)
    door.record = Record(asked=request.model, door=door.name)
    async with exchange.attended():
        await pipeline.chat(
            profile, request, exchange, key=client_key(profile, exchange.headers), record=door.record
        )
