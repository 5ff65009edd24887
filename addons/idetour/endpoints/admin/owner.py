"""Who may see and change what is the owner's, and what the answers below `/admin/api` are made of."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from idetour.accounts.qwen.pending import Pending
from idetour.endpoints.access import presented
from idetour.endpoints.admin.session import Sessions, check_page, cookie
from idetour.endpoints.admin.token import FILE
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.grants import Grants
from idetour.endpoints.weights import Weights
from idetour.errors import BadRequest, Forbidden, RequestError, Unauthorized
from idetour.gateway.pipeline import Pipeline
from idetour.secret import Secret
from idetour.usage.store import Store

HEADER = "x-idetour-admin"
MOST_QUERY = 4_000  # characters


@dataclass(slots=True)
class Admin:
    """`token` None: nobody may. `logs` is the file that the log is written to, where it is."""

    pipeline: Pipeline
    weights: Weights
    token: Secret | None = None
    logs: Path | None = None
    sessions: Sessions = field(default_factory=Sessions)
    pending: Pending = field(default_factory=Pending)
    started: float = field(default_factory=time.time)
    grants: Grants = field(default_factory=Grants)
    authority: Callable[[], dict[str, Any]] | None = None  # tells of it, where there is one; blocks

    def check(
        self, headers: Mapping[str, str], *, local: bool, method: str = "GET", opening: bool = False
    ) -> None:
        """Raises Forbidden for other machines and pages, Unauthorized without the token or a session.

        `opening` a session needs neither.
        """
        if not local:
            raise Forbidden("This is answered to programs on the same machine only.")
        if opening or self.shows_token(headers):
            return None
        if self.sessions.expires(cookie(headers)):
            return check_page(headers, method)
        raise Unauthorized(
            f"This takes the admin token: `{HEADER}: …` with what stands in state/{FILE} "
            "in idetour's home (`idetour where`).",
            code="admin_token_required",
        )

    def shows_token(self, headers: Mapping[str, str]) -> bool:
        shown = [Secret(headers.get(HEADER, "")), presented(headers).get("authorization", Secret(""))]
        matches = [self.token is not None and self.token.matches(each.reveal()) for each in shown]
        return any(matches)  # all are compared: the time must not tell which it was

    @property
    def store(self) -> Store:
        """Raises RequestError where no usage is kept."""
        if found := self.pipeline.chronicle.store:
            return found
        raise RequestError("This idetour keeps no usage.", status=503, code="usage_not_kept")


async def changing(exchange: Exchange) -> bytes:
    """The body of a request that changes something. Raises BadRequest for one that a web form could send."""
    kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadRequest(
            f"Send `content-type: application/json`; this came as {kind[:60] or 'nothing'}.",
            status=415,
            code="unsupported_media_type",
        )
    return await exchange.body()


async def wish[T](exchange: Exchange, form: type[T], example: str) -> T:
    """What the body of a changing request wants. Raises BadRequest, with an example of a good one."""
    body = await changing(exchange)
    try:
        return msgspec.json.decode(body or b"{}", type=form)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"Send {example}: {error}.") from None


def query(exchange: Exchange) -> dict[str, str]:
    """The parameters of the URL; of one that comes twice the last. Raises BadRequest."""
    said: bytes = exchange.scope.get("query_string", b"")
    if len(said) > MOST_QUERY:
        raise BadRequest(f"The query is longer than {MOST_QUERY:,} characters.")
    return dict(parse_qsl(said.decode("ascii", "replace"), max_num_fields=50))


def number(said: Mapping[str, str], name: str, default: int) -> int:
    """A parameter that is a whole number. Raises BadRequest."""
    value = said.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadRequest(f"{name}={value[:40]} is no whole number.", param=name)
    return int(value)


async def told(exchange: Exchange, said: Any, headers: Mapping[str, str] = {}) -> None:
    """Answer in JSON that no cache keeps."""
    await exchange.answer(200, msgspec.json.encode(said), {"cache-control": "no-store", **headers})
