"""Who may start a shell on this machine: our own names in `Host`, no web page from elsewhere, and the token.

A token stands in the user's home, in a file that nobody else can read. A
browser's EventSource cannot send headers, so a stream alone may be asked for
with a ticket in its URL: for one task, for some minutes, and worth nothing else.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idetour import disk
from idetour.addresses import LOOPBACK, hostname
from idetour.agent.answers import refusal
from idetour.errors import BadRequest, Forbidden, RequestError, SetupError, TooLarge, Unauthorized
from idetour.secret import Secret

FILE = "token"
BYTES = 32  # of randomness
LENGTH = 43  # characters in which they are written
TICKET_SECONDS = 600.0
BODY = 1 << 20  # bytes
STREAM = re.compile(r"/api/tasks/([^/]+)/stream")
PUBLIC = ("/api/health", "/docs", "/openapi.json")  # say no more than that we are here, and what we are


def token(folder: Path) -> Secret:
    """The token of this home, made when it is first wanted. Raises SetupError, OSError."""
    path = folder / FILE
    with disk.locked(folder):
        if not path.exists():
            disk.create(path, secrets.token_urlsafe(BYTES).encode())
        text = path.read_text("ascii", errors="replace").strip()
    if len(text) < LENGTH:
        raise SetupError(f"{path} holds no token. Remove it; the next start makes a new one.")
    return Secret(text)


def ticket(token: Secret, task: str, until: float) -> str:
    """Lets a browser read one task's stream until then."""
    return f"{until:.0f}.{signature(token, task, f'{until:.0f}')}"


def signature(token: Secret, task: str, until: str) -> str:
    return hmac.new(token.reveal().encode(), f"{task} {until}".encode(), hashlib.sha256).hexdigest()


def good_ticket(token: Secret, task: str, shown: str) -> bool:
    until, _, signed = shown.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 12 and signed.isascii()):
        return False
    return hmac.compare_digest(signature(token, task, until), signed) and time.time() < int(until)


@dataclass(slots=True)
class Guard:
    """Stands before the whole application, so that no path can be forgotten."""

    app: ASGIApp
    token: Secret | None  # None: nobody is asked for one
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = None
        try:
            check_host(headers, self.hosts)
            origin = check_origin(headers, self.origins)
            if scope["method"] == "OPTIONS":
                return await preflight()(scope, receive, crossing(send, origin))
            self._check_token(scope, headers)
            check_body(scope, headers)
        except RequestError as error:
            return await refusal(error)(scope, receive, crossing(send, origin))
        await self.app(scope, limited(receive), crossing(send, origin))

    def _check_token(self, scope: Scope, headers: Mapping[str, str]) -> None:
        path: str = scope["path"]
        if self.token is None or path in PUBLIC:
            return
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.token.matches(shown.strip()):
            return
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("access_token", [""])[0]
        found = STREAM.fullmatch(path)
        if found and scope["method"] == "GET" and good_ticket(self.token, found[1], asked):
            return
        raise Unauthorized(
            "This takes a token: `Authorization: Bearer …` with what stands in agent/token in idetour's home "
            "(`idetour where`). For a stream in a browser: POST /api/tasks/<id>/ticket.",
            code="token_required",
        )


def check_host(headers: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Raises Forbidden for a `Host` that is not a name of ours: a page may have its own name lead here.

    `*` in `allowed`: other machines have their own names for us, and need the token.
    """
    host = headers.get("host", "")
    if "*" not in allowed and hostname(host) not in LOOPBACK | allowed:
        raise Forbidden(f"Host {host!r} is not a name of this server. Ask for http://127.0.0.1.")


def check_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> str | None:
    """The web page that asks, if it is one. Raises Forbidden for one that is not allowed.

    A page on this machine is let in only as `http://localhost…`: it still needs the token.
    """
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site") == "cross-site":
            raise Forbidden("Requests from web sites are refused.")
        return None
    _, _, authority = origin.partition("://")
    if origin not in allowed and hostname(authority) not in LOOPBACK:
        raise Forbidden(f"The web page {origin[:200]!r} may not use this server. Allow it with `--origin`.")
    return origin


def check_body(scope: Scope, headers: Mapping[str, str]) -> None:
    """What a form of any web page could send is refused, whatever it says in it.

    Nothing at all may have any type: clients say that of a form where there is no body. A page's has an Origin.
    """
    if scope["method"] not in ("POST", "PUT", "PATCH"):
        return
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > BODY:
        raise too_large()
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    empty = length == "0" and "transfer-encoding" not in headers
    if kind != "application/json" and not empty:
        raise BadRequest(
            f"Send `content-type: application/json`; this came as {kind[:60] or 'nothing'}.",
            status=415,
            code="unsupported_media_type",
        )


def too_large() -> TooLarge:
    return TooLarge(f"A request may have {BODY >> 20} MB.")


def limited(receive: Receive) -> Receive:
    """The same for bodies that do not say how long they are."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > BODY:
            raise too_large()
        return message

    return counted


def crossing(send: Send, origin: str | None) -> Send:
    """Let the page that was let in read the answer."""

    async def allowing(message: Message) -> None:
        if message["type"] == "http.response.start" and origin:
            more = [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", b"retry-after"),
                (b"vary", b"Origin"),
            ]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return allowing


def preflight() -> Response:
    headers = {
        "access-control-allow-methods": "GET, POST, DELETE, OPTIONS",
        "access-control-allow-headers": "authorization, content-type, idempotency-key, last-event-id, cache-control",
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers=headers)
