"""`POST /v1/embeddings`: routed, tried and recorded like a conversation, and not translated."""

from dataclasses import replace

from idetour.endpoints import chat, deployment, passthrough
from idetour.endpoints.entry import Visit
from idetour.errors import RequestError
from idetour.gateway.heard import Heard
from idetour.wire import embeddings

PATH = "/v1/embeddings"


async def post(visit: Visit) -> None:
    """Answer at once, or say why not. Raises BadRequest."""
    exchange = visit.exchange
    body = await exchange.body()
    named = deployment.named(exchange.path)
    default = "default" if "default" in visit.profile.routes else None
    request = embeddings.read(body, default=named or default)
    request = replace(request, model=named or request.model)
    if await passthrough.instead(visit, body, request.model):
        return None
    heard = Heard()
    record = await chat.through(visit, request, heard)
    try:
        told = embeddings.answer(heard.completion(record), model=request.model)
    except RequestError as error:  # the record has told it to the log
        return await exchange.refuse(error)
    await exchange.answer(200, told, heard.marks)
