"""The ASGI application: every request comes in here, whichever door it used.

A plain function instead of a framework: it is on the way of every token, and a
framework's half millisecond per request would be most of ours.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from idetour.addresses import is_loopback
from idetour.endpoints import health, messages, passthrough
from idetour.endpoints.access import check_host, check_key, check_origin, is_direct
from idetour.endpoints.admin import OPENING, Admin
from idetour.endpoints.asgi import Exchange, Receive, Scope, Send
from idetour.endpoints.entry import TICKET, Entry, Line, Tickets, Visit
from idetour.endpoints.limits import Limits, caller
from idetour.endpoints.places import CHAT, MODELS, Place, find, tidy
from idetour.endpoints.recorder import Recorder
from idetour.endpoints.rejected import Rejected
from idetour.endpoints.responses import RESPONSES, Responses, no_socket
from idetour.errors import Forbidden, LoopDetected, NotFound, RequestError
from idetour.gateway import logs
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import shown
from idetour.profile import Profile
from idetour.profile.watch import Watched

log = logging.getLogger("idetour")

READABLE = {  # headers that a script in an allowed page may read
    "access-control-expose-headers": "x-idetour-request-id, x-request-id, x-idetour-target, x-idetour-attempts, x-idetour-changed, "
    "retry-after",
    "vary": "Origin",
}


@dataclass(slots=True)
class App:
    watched: Watched
    pipeline: Pipeline
    admin: Admin
    lan: bool = False  # other machines may ask, by whatever name they know us, with a key
    tickets: Tickets = field(default_factory=Tickets)
    limits: Limits = field(default_factory=Limits)
    responses: Responses = field(default_factory=Responses)
    recorder: Recorder = field(default_factory=Recorder)
    handshakes: health.Refusals | None = None  # where a proxy counts them and only this machine may ask
    via: str = ""  # what our own outgoing requests carry; coming in, it means a loop
    rejected: Rejected = field(init=False)

    def __post_init__(self) -> None:
        self.rejected = Rejected(self.pipeline.chronicle)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange, entry, profile = Exchange(scope, receive, send), Entry(), self.admin.weights.profile
        logs.request.set(exchange.id)
        try:
            path = tidy(exchange.path)
            if path == "/api/claude" or messages.meant(path, exchange.headers):
                exchange.speak_messages()
            entry = self.enter(exchange, profile)
            await self.answer(Visit(exchange, entry, path, profile, self))
        except asyncio.CancelledError:
            pass  # the client left, or idetour stops: either way the connection is gone
        except RequestError as error:
            if exchange.started:
                log.warning("%s", shown(error.message), extra={"request": exchange.id})
                raise  # cuts the connection: a broken answer must not look finished
            self.rejected.note(exchange, entry, error)
            await exchange.refuse(error)
        except Exception:
            log.exception("a request failed through a fault of idetour's own", extra={"request": exchange.id})
            if exchange.started:
                raise
            fault = RequestError("idetour itself failed; its log says why.", code="internal_error")
            self.rejected.note(exchange, entry, fault)
            await exchange.refuse(fault)

    async def answer(self, visit: Visit) -> None:
        """Who may ask is settled first, what for second; only then is a body read."""
        exchange = visit.exchange
        if origin := check_origin(exchange.headers, visit.profile.origins):
            exchange.extra = {**READABLE, "access-control-allow-origin": origin}
        if exchange.method == "OPTIONS":
            return await preflight(exchange)
        place = find(visit.path, visit.door.host)
        self.admit(visit, place)
        if visit.path == RESPONSES:
            no_socket(exchange.headers)
        await (place.answer if place else elsewhere)(visit)

    def admit(self, visit: Visit, place: Place | None) -> None:
        """Raises Unauthorized or Forbidden for who may not ask there, TooOften for who may not just now."""
        method, headers = visit.exchange.method, visit.exchange.headers
        if place and place.who == "owner":
            opening = (visit.path, method) == OPENING
            self.admin.check(headers, local=visit.door.local, method=method, opening=opening)
        elif not (place and place.open(method)):
            visit.door.grant = self.admin.grants.of(headers)
            if visit.door.grant is None:
                check_key(visit.profile, headers, local=visit.door.local)
            if visit.profile.limit and method == "POST" and place and visit.path != messages.COUNT:
                self.limits.count(caller(visit.profile, headers, visit.door.grant), visit.profile.limit)

    def enter(self, exchange: Exchange, profile: Profile) -> Entry:
        """By which door the request came. Raises Forbidden where it may not."""
        if self.via and self.via in exchange.headers.get("via", ""):
            raise LoopDetected(
                "This request came from this idetour itself: an upstream's URL leads back to it."
            )
        if ticket := exchange.headers.get(TICKET):
            if door := self.tickets.take(ticket):
                exchange.headers = {**exchange.headers, **door.credentials}
                if door.host is None and not self.lan:
                    check_host(exchange.headers, profile.names)
                door.local = door.local and is_direct(exchange.headers, profile.names)
                return door
        elif not (state := exchange.scope.get("state", {})).get("hop"):
            line: Line | None = state.get("line")
            host = line.meant(exchange.headers) if line else None
            if not (host or self.lan):
                check_host(exchange.headers, profile.names)
            if (client := exchange.scope.get("client")) is None:  # the system does not know it any more
                raise asyncio.CancelledError("the client left before it was heard")
            near = is_loopback(client[0])
            return Entry(host=host, local=near and is_direct(exchange.headers, profile.names))
        raise Forbidden(
            "This port is for idetour's own use. Ask at the address that it printed at its start."
        )


async def elsewhere(visit: Visit) -> None:
    """A path that is not ours. Raises NotFound."""
    if not (visit.door.host and visit.profile.passthrough):
        raise NotFound(f"Nothing is served at {visit.exchange.path}. Try {CHAT} or {MODELS}.")
    await passthrough.relay(visit, await visit.exchange.body())


async def preflight(exchange: Exchange) -> None:
    """What a web page that is allowed to ask may send. 204 has no body, so no length and no type either."""
    asked = exchange.headers.get("access-control-request-headers")
    await exchange.start(
        204,
        {
            "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
            **({"access-control-allow-headers": asked} if asked else {}),
            "access-control-max-age": "600",
        },
    )
    await exchange.end()
