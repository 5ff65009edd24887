"""The ASGI application: every request comes in here, whichever door it used.

A plain function instead of a framework: it is on the way of every token, and a
framework's half millisecond per request would be most of ours.
"""

import asyncio
import contextlib
import ipaddress
import logging
from dataclasses import dataclass, field

from idetour.endpoints import health, messages, passthrough
from idetour.endpoints.access import check_host, check_key, check_origin
from idetour.endpoints.admin import OPENING, Admin
from idetour.endpoints.asgi import Exchange, Receive, Scope, Send
from idetour.endpoints.entry import TICKET, Entry, Tickets, Visit
from idetour.endpoints.places import CHAT, MODELS, Place, find, tidy
from idetour.endpoints.recorder import Recorder
from idetour.endpoints.responses import RESPONSES, Responses, no_socket
from idetour.errors import Forbidden, LoopDetected, NotFound, RequestError
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import shown
from idetour.profile.watch import Watched
from idetour.wire import messages_errors

log = logging.getLogger("idetour")


@dataclass(slots=True)
class App:
    watched: Watched
    pipeline: Pipeline
    admin: Admin
    hosts: frozenset[str] = frozenset()  # names beside loopback that we may be called by
    origins: frozenset[str] = frozenset()  # web pages elsewhere that may call us
    lan: bool = False  # other machines may ask, by whatever name they know us, with a key
    tickets: Tickets = field(default_factory=Tickets)
    responses: Responses = field(default_factory=Responses)
    recorder: Recorder = field(default_factory=Recorder)
    handshakes: health.Refusals | None = None  # where a proxy counts them and only this machine may ask
    via: str = ""  # what our own outgoing requests carry; coming in, it means a loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self.answer(exchange)
        except asyncio.CancelledError:
            pass  # the client left, or idetour stops: either way the connection is gone
        except RequestError as error:
            if exchange.started:
                log.warning("%s", shown(error.message))
                raise  # cuts the connection: a broken answer must not look finished
            log.info(
                "%s", shown(f"{exchange.method} {exchange.path} · refused {error.status}: {error.message}")
            )
            await exchange.refuse(error)
        except Exception:
            log.exception("a request failed through a fault of idetour's own")
            if exchange.started:
                raise
            await exchange.refuse(
                RequestError("idetour itself failed; its log says why.", code="internal_error")
            )

    async def answer(self, exchange: Exchange) -> None:
        """Who may ask is settled first, what for second; only then is a body read."""
        path = tidy(exchange.path)
        if path == "/api/claude" or messages.meant(path, exchange.headers):
            exchange.error_body = messages_errors.body
        visit = Visit(exchange, self.enter(exchange), path, self.admin.weights.profile, self)
        if origin := check_origin(exchange.headers, self.origins):
            exchange.extra = {"access-control-allow-origin": origin, "vary": "Origin"}
        if exchange.method == "OPTIONS":
            return await preflight(exchange)
        place = find(path, visit.door.host)
        self.admit(visit, place)
        if path == RESPONSES:
            no_socket(exchange.headers)
        await (place.answer if place else elsewhere)(visit)

    def admit(self, visit: Visit, place: Place | None) -> None:
        """Raises Unauthorized or Forbidden for who may not ask there."""
        method, headers = visit.exchange.method, visit.exchange.headers
        if place and place.who == "owner":
            opening = (visit.path, method) == OPENING
            self.admin.check(headers, local=visit.door.local, method=method, opening=opening)
        elif not (place and place.open(method)):
            visit.door.grant = self.admin.grants.of(headers)
            if visit.door.grant is None:
                check_key(visit.profile, headers)

    def enter(self, exchange: Exchange) -> Entry:
        """By which door the request came. Raises Forbidden where it may not."""
        if self.via and self.via in exchange.headers.get("via", ""):
            raise LoopDetected(
                "This request came from this idetour itself: an upstream's URL leads back to it."
            )
        if ticket := exchange.headers.get(TICKET):
            if door := self.tickets.take(ticket):
                exchange.headers = {**exchange.headers, **door.credentials}
                if door.host is None and not self.lan:
                    check_host(exchange.headers, self.hosts)
                return door
        elif not exchange.scope.get("state", {}).get("hop"):
            if not self.lan:
                check_host(exchange.headers, self.hosts)
            return Entry(local=nearby(exchange.scope))
        raise Forbidden(
            "This port is for idetour's own use. Ask at the address that it printed at its start."
        )


async def elsewhere(visit: Visit) -> None:
    """A path that is not ours. Raises NotFound."""
    if not (visit.door.host and visit.profile.passthrough):
        raise NotFound(f"Nothing is served at {visit.exchange.path}. Try {CHAT} or {MODELS}.")
    await passthrough.relay(visit, await visit.exchange.body())


def nearby(scope: Scope) -> bool:
    """Whether the client is a program on this machine."""
    host = (scope.get("client") or ("",))[0].partition("%")[0]
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


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
