"""`POST /v1/chat/completions`, and `/chat/completions` and `/` for those who ask there."""

import asyncio

from idetour.endpoints import passthrough
from idetour.endpoints.access import presented_key
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.door import Door
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile
from idetour.wire import chat


async def post(exchange: Exchange, door: Door, profile: Profile, pipeline: Pipeline) -> None:
    """Answer, and stop as soon as nobody listens any more."""
    body = await exchange.body()
    request = chat.read(body)
    record = Record(asked=request.model, door=door.name)
    door.record = record
    asking = asyncio.current_task()
    watching = asyncio.create_task(exchange.left())
    watching.add_done_callback(lambda _: asking.cancel() if asking and exchange.gone else None)
    try:
        if door.host and profile.passthrough and not pipeline.knows(profile, request.model):
            return await passthrough.relay(exchange, door.host, body, pipeline.transports)
        await pipeline.chat(profile, request, exchange, key=presented_key(exchange.headers), record=record)
    finally:
        watching.cancel()
