"""The ASGI application: every request comes in here, whichever door it used.

A plain function instead of a framework: it is on the way of every token, and a
framework's half millisecond per request would be most of ours.
"""

import asyncio
import logging
import re
from dataclasses import dataclass, field

from idetour.endpoints import chat, health, models, passthrough
from idetour.endpoints.access import check_host, check_key, check_origin
from idetour.endpoints.asgi import Exchange, Receive, Scope, Send
from idetour.endpoints.door import TICKET, Door, Tickets
from idetour.errors import Forbidden, LoopDetected, NotAllowed, NotFound, RequestError
from idetour.gateway.pipeline import Pipeline
from idetour.profile.watch import Watched

log = logging.getLogger("idetour")

CHAT_PATHS = frozenset({"/v1/chat/completions", "/"})
MODELS_PATH = "/v1/models"
KNOWN_PATHS = {"/v1/chat/completions": "POST", "/": "GET, POST", MODELS_PATH: "GET", "/health": "GET"}
VERSIONS = re.compile(r"^(?:/v1)+(?=/|$)")
BARE = frozenset({"/chat/completions", "/models"})


def tidy(path: str) -> str:
    """The path as we know it: people paste URLs with `/v1` missing or doubled, and with a slash at the end.

    `/api/v1` is where OpenRouter has it, `/compatible-mode/v1` where DashScope has it.
    """
    path = re.sub(r"^/(?:api|compatible-mode|openai)(?=/v1)", "", path)
    path = VERSIONS.sub("/v1", re.sub(r"/{2,}", "/", path)).rstrip("/") or "/"
    return f"/v1{path}" if path in BARE or path.startswith("/models/") else path


@dataclass(slots=True)
class App:
    watched: Watched
    pipeline: Pipeline
    hosts: frozenset[str] = frozenset()  # names beside loopback that we may be called by
    origins: frozenset[str] = frozenset()  # web pages elsewhere that may call us
    tickets: Tickets = field(default_factory=Tickets)
    via: str = ""  # what our own outgoing requests carry; coming in, it means a loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        try:
            await self.answer(exchange)
        except RequestError as error:
            await exchange.refuse(error)
        except asyncio.CancelledError:
            pass  # the client left, or idetour stops: either way the connection is gone
        except Exception:
            log.exception("a request failed through a fault of idetour's own")
            if exchange.started:
                raise  # cuts the connection: a broken answer must not look finished
            await exchange.refuse(
                RequestError("idetour itself failed; its log says why.", code="internal_error")
            )

    async def answer(self, exchange: Exchange) -> None:
        door = self.enter(exchange)
        profile = self.watched.current
        if origin := check_origin(exchange.headers, self.origins):
            exchange.extra = {"access-control-allow-origin": origin, "vary": "Origin"}
        if exchange.method == "OPTIONS":
            return await self.preflight(exchange)
        path = tidy(exchange.path)
        method = "GET" if exchange.method == "HEAD" else exchange.method
        if path not in KNOWN_PATHS and not path.startswith(MODELS_PATH + "/"):
            if door.host and profile.passthrough:
                return await passthrough.relay(
                    exchange, door.host, await exchange.body(), self.pipeline.transports
                )
            raise NotFound(f"Nothing is served at {exchange.path}. Try /v1/chat/completions or /v1/models.")
        if method == "POST" and path in CHAT_PATHS:
            check_key(profile, exchange.headers)
            return await chat.post(exchange, door, profile, self.pipeline)
        if method != "GET" or path == "/v1/chat/completions":
            allowed = KNOWN_PATHS.get(path, "GET")
            raise NotAllowed(
                f"{exchange.path} takes {allowed}, not {exchange.method}.", headers={"allow": allowed}
            )
        if path.startswith(MODELS_PATH):
            check_key(profile, exchange.headers)
            name = path.removeprefix(MODELS_PATH).lstrip("/")
            listed = self.pipeline.listed
            return await exchange.answer(
                200,
                models.one(profile, listed, name, door.host)
                if name
                else models.listing(profile, listed, door.host),
            )
        await self.greet(exchange)

    def enter(self, exchange: Exchange) -> Door:
        """By which door the request came. Raises Forbidden where it may not."""
        if self.via and self.via in exchange.headers.get("via", ""):
            raise LoopDetected(
                "This request came from this idetour itself: an upstream's URL leads back to it."
            )
        if ticket := exchange.headers.get(TICKET):
            if door := self.tickets.take(ticket):
                exchange.headers = {**exchange.headers, **door.credentials}
                if door.host is None:
                    check_host(exchange.headers, self.hosts)
                return door
        elif not exchange.scope.get("state", {}).get("hop"):
            check_host(exchange.headers, self.hosts)
            return Door()
        raise Forbidden(
            "This port is for idetour's own use. Ask at the address that it printed at its start."
        )

    async def preflight(self, exchange: Exchange) -> None:
        exchange.extra |= {
            "access-control-allow-methods": "GET, POST, OPTIONS",
            "access-control-allow-headers": exchange.headers.get("access-control-request-headers", "*"),
            "access-control-max-age": "600",
        }
        await exchange.answer(204, b"")

    async def greet(self, exchange: Exchange) -> None:
        profile, listed, problem = self.watched.current, self.pipeline.listed, self.watched.problem
        if exchange.path == "/" and "text/html" in exchange.headers.get("accept", ""):
            body = health.page(profile, listed, problem, exchange.headers.get("host", ""))
            policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            return await exchange.answer(
                200, body, {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
            )
        await exchange.answer(200, health.report(profile, listed, problem))
