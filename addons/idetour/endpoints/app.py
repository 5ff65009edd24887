"""The ASGI application: every request comes in here, whichever door it used.

A plain function instead of a framework: it is on the way of every token, and a
framework's half millisecond per request would be most of ours.
"""

import asyncio
import contextlib
import ipaddress
import logging
import re
from dataclasses import dataclass, field

from idetour.endpoints import (
    admin,
    auth,
    chat,
    dashboard,
    deployment,
    embeddings,
    health,
    messages,
    models,
    pac,
    passthrough,
    seeds,
)
from idetour.endpoints.access import check_host, check_key, check_origin
from idetour.endpoints.admin import METHODS as ADMINISTERED
from idetour.endpoints.admin import OPENING, Admin
from idetour.endpoints.asgi import Exchange, Receive, Scope, Send
from idetour.endpoints.entry import TICKET, Entry, Tickets
from idetour.endpoints.recorder import RECORD, Recorder
from idetour.endpoints.responses import KEPT, RESPONSES, Responses, kept, no_socket
from idetour.errors import Forbidden, LoopDetected, NotAllowed, NotFound, RequestError
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import shown
from idetour.profile import Profile
from idetour.profile.watch import Watched
from idetour.wire import messages_errors

log = logging.getLogger("idetour")

CHAT, MODELS = "/v1/chat/completions", "/v1/models"
METHODS = {
    CHAT: ("POST",),
    RESPONSES: ("POST",),
    embeddings.PATH: ("POST",),
    MODELS: ("GET", "HEAD"),
    "/": ("GET", "HEAD", "POST"),
    "/health": ("GET", "HEAD"),
    "/proxy.pac": ("GET", "HEAD"),
    "/api/chat": ("POST",),
    "/api/claude": ("POST",),
    **messages.METHODS,
    dashboard.ADMIN: ("GET", "HEAD"),
    auth.PAGE: ("GET", "HEAD"),
    **ADMINISTERED,
}
PUBLIC = ("/", "/health", "/proxy.pac", auth.PAGE)  # to look at without a key
VERSIONS = re.compile(r"^(?:/v1)+(?=/|$)")
BARE = re.compile(
    r"/(?:chat/completions|embeddings|models|responses|messages(?:/count_tokens)?)|/(?:models|responses)/.+"
)


def tidy(path: str) -> str:
    """The path as we know it: people paste URLs with `/v1` missing or doubled, and with a slash at the end.

    `/api/v1` is where OpenRouter has it, `/compatible-mode/v1` where DashScope has it; Azure's has the model in it.
    """
    if path.startswith("/anthropic/"):  # where many vendors have Anthropic's protocol
        inner = tidy(path.removeprefix("/anthropic"))
        return f"/anthropic{inner}" if inner.startswith(MODELS) else inner
    path = re.sub(r"^/(?:api|compatible-mode|openai)(?=/v1)|^/openai(?=/models)", "", deployment.plain(path))
    path = VERSIONS.sub("/v1", re.sub(r"/{2,}", "/", path)).rstrip("/") or "/"
    path = re.sub(
        r"^/v1/chat/completions(?=/chat/completions$|/models$)", "/v1", path
    )  # an endpoint as base URL
    path = re.sub(r"^/v1/messages/v1(?=/messages|/models)", "/v1", path)
    return f"/v1{path}" if BARE.fullmatch(path) else path


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
        door = self.enter(exchange)
        profile = self.admin.weights.profile
        if origin := check_origin(exchange.headers, self.origins):
            exchange.extra = {"access-control-allow-origin": origin, "vary": "Origin"}
        if exchange.method == "OPTIONS":
            return await preflight(exchange)
        allowed = (
            METHODS[MODELS] if path.startswith((f"{MODELS}/", f"{messages.MODELS}/")) else METHODS.get(path)
        )
        if id := kept(path):
            allowed = KEPT
        owned = admin.known(path) if door.host is None else None
        page = door.host is None and dashboard.ours(path)
        if owned:
            allowed, opening = ADMINISTERED[owned], (owned, exchange.method) == OPENING
            self.admin.check(exchange.headers, local=door.local, method=exchange.method, opening=opening)
        elif page:
            allowed = METHODS[dashboard.ADMIN]
        elif exchange.method == "POST" or path not in PUBLIC:
            door.grant = self.admin.grants.of(exchange.headers)
            if door.grant is None:
                check_key(profile, exchange.headers)
        if allowed is None or (door.host and (admin.known(path) or dashboard.ours(path))):
            return await self.elsewhere(exchange, door, profile)
        if path == RESPONSES:
            no_socket(exchange.headers)
        if exchange.method not in allowed:
            raise NotAllowed(
                f"{exchange.path} takes {' and '.join(allowed)}, not {exchange.method}.",
                headers={"allow": ", ".join(allowed)},
            )
        if owned:
            await (
                self.recorder.stream(exchange)
                if path == RECORD
                else admin.answer(self.admin, exchange, owned)
            )
        elif page:
            await dashboard.page(exchange, path)
        elif id:
            await self.responses.one(exchange, id)
        elif exchange.method == "POST":
            others = {"/api/chat": seeds.chat, "/api/claude": seeds.claude, RESPONSES: self.responses.post}
            others |= {
                messages.PATH: messages.post,
                messages.COUNT: messages.count,
                embeddings.PATH: embeddings.post,
            }
            post = others.get(path, chat.post)
            with self.recorder.watching(exchange, door, path=path, profile=profile):
                await post(exchange, door, profile, self.pipeline)
        elif path.startswith((MODELS, messages.MODELS)):
            await self.models(exchange, door, profile, path)
        elif path == auth.PAGE:
            await exchange.start(302, {"location": auth.FILE, "content-length": "0"})
            await exchange.end()
        elif path == "/proxy.pac":
            file = pac.script(profile.hosts, exchange.headers["host"])
            await exchange.answer(200, file, {"content-type": pac.TYPE})
        else:
            await self.greet(exchange)

    async def models(self, exchange: Exchange, door: Entry, profile: Profile, path: str) -> None:
        listed = self.pipeline.listed
        name = path.removeprefix("/anthropic").removeprefix(MODELS)[1:]
        if messages.meant(path, exchange.headers):
            say = messages.one(profile, listed, name) if name else messages.listing(profile, listed)
            await exchange.answer(200, say)
        elif name:
            await exchange.answer(200, models.one(profile, listed, name, door.host))
        else:
            await exchange.answer(200, models.listing(profile, listed, door.host))

    async def elsewhere(self, exchange: Exchange, door: Entry, profile: Profile) -> None:
        """A path that is not ours."""
        if not (door.host and profile.passthrough):
            raise NotFound(f"Nothing is served at {exchange.path}. Try {CHAT} or {MODELS}.")
        body = await exchange.body()
        await passthrough.relay(exchange, door.host, body, profile, self.pipeline.transports)

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

    async def greet(self, exchange: Exchange) -> None:
        profile, listed, problem = self.watched.current, self.pipeline.listed, self.watched.problem
        if exchange.path == "/" and "text/html" in exchange.headers.get("accept", ""):
            body = health.page(profile, listed, problem, exchange.headers.get("host", ""))
            policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            return await exchange.answer(
                200, body, {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
            )
        await exchange.answer(200, health.report(profile, listed, problem, self.handshakes))


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
