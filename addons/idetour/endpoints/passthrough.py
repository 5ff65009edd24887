"""Send an intercepted request on to the real host with the IDE's own key, where the profile says `passthrough: true`.

For what nobody here answers: models that the profile does not know, and paths
that are not ours (files, audio …). The answer is relayed as it comes.
"""

from collections.abc import Mapping

from idetour.endpoints.access import ours, presented
from idetour.endpoints.asgi import Exchange
from idetour.errors import LoopDetected, UpstreamError
from idetour.profile import Profile
from idetour.upstreams import Transports
from idetour.upstreams.transport import Outgoing, TransportError

REQUEST_HEADERS = ("accept", "authorization", "content-type", "user-agent", "x-api-key")
REQUEST_PREFIXES = ("openai-", "anthropic-", "x-stainless-")
# Not relayed: what holds for one connection only, what inflating made untrue, and the way around us.
OMITTED = frozenset({
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "content-length", "content-encoding", "alt-svc",
})  # fmt: skip
FIRST_BYTE_SECONDS = 300.0


async def relay(exchange: Exchange, host: str, body: bytes, profile: Profile, transports: Transports) -> None:
    """Ask the real `host` and pass its answer on, piece by piece. Raises UpstreamError, LoopDetected."""
    async with exchange.attended():
        try:
            incoming = await transports.pool.send(outgoing(exchange, host, body, profile))
        except TransportError as error:
            if error.kind == "loop":
                raise LoopDetected(
                    f"{error}. Passing requests through works with the proxy setting, not with the hosts file."
                ) from error
            raise UpstreamError(f"{host}: {error}.", code="upstream_unreachable") from error
        try:
            kept = {name: value for name, value in incoming.headers.items() if name not in OMITTED}
            await exchange.start(incoming.status, {**kept, "x-idetour-target": host})
            while data := await incoming.read():
                await exchange.write(data)
            await exchange.end()
        except TransportError as error:
            raise UpstreamError(f"{host}: the answer broke off: {error}.", code="upstream_broken") from error
        finally:
            incoming.close()


def outgoing(exchange: Exchange, host: str, body: bytes, profile: Profile) -> Outgoing:
    """The request as it goes on: the path byte for byte, of the headers those that mean something there."""
    path, query = exchange.scope["raw_path"].decode("ascii"), exchange.scope["query_string"].decode("ascii")
    return Outgoing(
        method=exchange.method,
        url=f"https://{host}{path}{f'?{query}' if query else ''}",
        headers={**passed_on(exchange.headers, profile), "accept-encoding": "identity"},
        body=body or None,
        first_byte=FIRST_BYTE_SECONDS,
    )


def passed_on(headers: Mapping[str, str], profile: Profile) -> dict[str, str]:
    """An access key stays here: it is ours, and means nothing to the host."""
    access = {name for name, key in presented(headers).items() if ours(profile, key)}
    return {
        name: value
        for name, value in headers.items()
        if name not in access and (name in REQUEST_HEADERS or name.startswith(REQUEST_PREFIXES))
    }
