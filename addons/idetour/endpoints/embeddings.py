"""`POST /v1/embeddings`: routed, tried and recorded like a conversation, and not translated."""

from dataclasses import replace

from idetour.endpoints import chat, deployment, passthrough
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.entry import Entry
from idetour.endpoints.heard import Heard
from idetour.errors import RequestError
from idetour.gateway.pipeline import Pipeline
from idetour.profile import Profile
from idetour.wire import embeddings

PATH = "/v1/embeddings"


async def post(exchange: Exchange, door: Entry, profile: Profile, pipeline: Pipeline) -> None:
    """Answer at once, or say why not. Raises BadRequest."""
    body = await exchange.body()
    named = deployment.named(exchange.path)
    default = "default" if "default" in profile.routes else None
    request = embeddings.read(body, default=named or default)
    request = replace(request, model=named or request.model)
    if door.host and profile.passthrough and not pipeline.knows(profile, request.model):
        return await passthrough.relay(exchange, door.host, body, profile, pipeline.transports)
    heard = Heard()
    record = await chat.through(exchange, door, profile, pipeline, request, heard)
    try:
        told = embeddings.answer(heard.completion(record), model=request.model)
    except RequestError as error:  # the record has told it to the log
        return await exchange.refuse(error)
    await exchange.answer(200, told, heard.marks)
