"""Send an intercepted request on to the real host with the IDE's own key, where the profile says `passthrough: true`.

For what nobody here answers: models that the profile does not know, and paths
that are not ours (files, audio …). The answer is relayed as it comes.
"""

from idetour.endpoints.asgi import Exchange
from idetour.errors import LoopDetected, UpstreamError
from idetour.upstreams import Transports
from idetour.upstreams.transport import Outgoing, TransportError

REQUEST_HEADERS = ("accept", "authorization", "content-type", "user-agent", "x-api-key")
REQUEST_PREFIXES = ("openai-", "anthropic-", "x-stainless-")
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
FIRST_BYTE_SECONDS = 300.0


async def relay(exchange: Exchange, host: str, body: bytes, transports: Transports) -> None:
    """Ask the real `host` and pass its answer on, piece by piece."""
    query = exchange.scope["query_string"].decode("latin-1")
    outgoing = Outgoing(
        method=exchange.method,
        url=f"https://{host}{exchange.path}{f'?{query}' if query else ''}",
        headers={
            **{
                name: value
                for name, value in exchange.headers.items()
                if name in REQUEST_HEADERS or name.startswith(REQUEST_PREFIXES)
            },
            "accept-encoding": "identity",
        },
        body=body or None,
        first_byte=FIRST_BYTE_SECONDS,
    )
    try:
        incoming = await transports.pool.send(outgoing)
    except TransportError as error:
        if error.kind == "loop":
            raise LoopDetected(
                f"{error}. Passing requests through works with the proxy setting, not with the hosts file."
            ) from error
        raise UpstreamError(f"{host}: {error}.", code="upstream_unreachable") from error
    try:
        kept = {name: value for name, value in incoming.headers.items() if name not in HOP_BY_HOP}
        await exchange.start(incoming.status, {**kept, "x-idetour-target": host})
        while data := await incoming.read():
            await exchange.write(data)
        await exchange.end()
    finally:
        incoming.close()
