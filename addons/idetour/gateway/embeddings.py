"""Sentences as vectors from an upstream's `/embeddings`, for rules that compare what is meant."""

from collections.abc import Sequence

import msgspec

from idetour.gateway.attempt import whole
from idetour.profile import Upstream
from idetour.routes.guess import Declined
from idetour.upstreams import Transports, openai
from idetour.upstreams.transport import Outgoing, TransportError

MOST_BYTES = 4 << 20  # of an answer: ten vectors of 4,096 numbers, written out
SECONDS = 30.0  # until it begins; who is in a hurry waits for less


class _Vector(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Vector]


async def embed(
    transports: Transports, upstream: Upstream, model: str, texts: Sequence[str]
) -> list[list[float]]:
    """One vector for each text, in their order. Raises Declined with the reason."""
    if not upstream.ready or upstream.client_key:
        raise Declined(f"{upstream.title} has no key for embeddings")
    request = Outgoing(
        url=openai.address(upstream, "embeddings"),
        headers=openai.headers(upstream, next(iter(upstream.secrets), None), stream=False),
        body=msgspec.json.encode({"model": model, "input": texts, "encoding_format": "float"}),
        proxy=upstream.proxy,
        ca=upstream.ca,
        first_byte=SECONDS,
    )
    try:
        incoming = await transports.to(upstream).send(request)
        try:
            body = await whole(incoming, MOST_BYTES)
        finally:
            incoming.close()
        if incoming.status != 200:
            raise Declined(f"{upstream.title} answers {incoming.status} for embeddings")
        found = sorted(msgspec.json.decode(body, type=_Answer).data, key=lambda each: each.index)
    except TransportError as error:
        raise Declined(f"{upstream.title}: {error}") from None
    except msgspec.DecodeError:
        raise Declined(f"{upstream.title} answers something else than embeddings") from None
    if len(found) != len(texts):
        raise Declined(f"{upstream.title} answers {len(found)} vectors for {len(texts)} texts")
    return [each.embedding for each in found]
