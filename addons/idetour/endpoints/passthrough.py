"""Send an intercepted request on to the real host with the IDE's own key, where the profile says `passthrough: true`.

For what nobody here answers: models that the profile does not know, and paths
that are not ours (files, audio …). The answer is relayed as it comes, and
recorded like any other: who asked, how it went, and its tokens where it says them.
"""

from collections.abc import Mapping

from idetour.endpoints.access import GRANTED, ours, presented
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.entry import Visit
from idetour.errors import LoopDetected, UpstreamError
from idetour.gateway.record import Record
from idetour.profile import Profile, Target
from idetour.upstreams.transport import Incoming, Outgoing, TransportError
from idetour.wire.usage import Usage, last

REQUEST_HEADERS = ("accept", "authorization", "content-type", "user-agent", "x-api-key")
REQUEST_PREFIXES = ("openai-", "anthropic-", "x-stainless-")
# Not relayed: what holds for one connection only, what inflating made untrue, and the way around us.
OMITTED = frozenset({
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "content-length", "content-encoding", "alt-svc",
})  # fmt: skip
FIRST_BYTE_SECONDS = 300.0
END_BYTES = 16 << 10  # of an answer, where its tokens stand
DEPTH = 3  # parts of a path that name what was asked for: the rest are ids, as many as there are files


async def instead(visit: Visit, body: bytes, model: str) -> bool:
    """Whether the real host was asked, because that is wanted and nobody here answers for the model."""
    if not (visit.door.host and visit.profile.passthrough) or visit.pipeline.knows(visit.profile, model):
        return False
    await relay(visit, body, model)
    return True


async def relay(visit: Visit, body: bytes, model: str = "") -> None:
    """Ask the real host and pass its answer on, piece by piece. Raises UpstreamError, LoopDetected."""
    exchange, pipeline, host = visit.exchange, visit.pipeline, visit.door.name
    asked = model or "/".join(exchange.path.split("/")[:DEPTH])
    record = visit.door.record = Record(asked=asked, door=host, id=exchange.id, protocol="passthrough")
    pipeline.chronicle.follow(record, path=exchange.path, headers=exchange.headers)
    with pipeline.recorded(record):
        async with exchange.attended():
            incoming = await sent(visit, body)
            try:
                note(record, incoming)
                record.usage = await passed(incoming, exchange, host)
            except TransportError as error:
                said = f"{host}: the answer broke off: {error}."
                raise UpstreamError(said, code="upstream_broken") from error
            finally:
                incoming.close()
        fault = f"HTTP {incoming.status}" if incoming.status >= 400 else None
        record.end("failed" if fault else "ok", status=incoming.status, error=fault)


async def sent(visit: Visit, body: bytes) -> Incoming:
    """Raises UpstreamError, LoopDetected."""
    host, request = visit.door.name, outgoing(visit.exchange, visit.door.name, body, visit.profile)
    try:
        return await visit.pipeline.transports.pool.send(request)
    except TransportError as error:
        if error.kind == "loop":
            said = f"{error}. Passing requests through works with the proxy setting, not with the hosts file."
            raise LoopDetected(said) from error
        raise UpstreamError(f"{host}: {error}.", code="upstream_unreachable") from error


def note(record: Record, incoming: Incoming) -> None:
    """Write down who answers, and how."""
    target = Target(record.door, record.asked.strip("/"))
    record.stream = incoming.headers.get("content-type", "").startswith("text/event-stream")
    if incoming.status < 400:
        record.answered(target, stream=record.stream)
    else:
        record.attempt(target, str(incoming.status), error=f"HTTP {incoming.status}")
    record.target, record.status = target, incoming.status


async def passed(incoming: Incoming, exchange: Exchange, host: str) -> Usage | None:
    """Pass the answer on; returns the tokens that it says. Raises TransportError."""
    kept = {name: value for name, value in incoming.headers.items() if name not in OMITTED}
    await exchange.start(incoming.status, {**kept, "x-idetour-target": host})
    end = bytearray()
    while data := await incoming.read():
        await exchange.write(data)
        end += data
        del end[:-END_BYTES]
    await exchange.end()
    return last(bytes(end))


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
    """An access key stays here, and so does a task's token: they are ours, and mean nothing to the host."""
    shown = presented(headers).items()
    access = {name for name, key in shown if ours(profile, key) or key.reveal().startswith(GRANTED)}
    return {
        name: value
        for name, value in headers.items()
        if name not in access and (name in REQUEST_HEADERS or name.startswith(REQUEST_PREFIXES))
    }
