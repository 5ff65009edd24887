"""What only who owns this machine's idetour may see and change: targets, recent requests, weights.

It takes the admin token, a file in the user's home that nobody else can read.
Being on this machine is not enough: so is every page that a browser shows.
"""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from idetour import __version__, disk
from idetour.endpoints.access import presented
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.weights import Weights
from idetour.errors import BadRequest, Forbidden, SetupError, Unauthorized
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.place import TargetState
from idetour.gateway.record import Record
from idetour.secret import Secret

FILE = "admin-token"
HEADER = "x-idetour-admin"
BYTES = 32  # of randomness
LENGTH = 43  # characters in which they are written
SHOWN = 50  # recent requests

WEIGHTS, STATUS, CLEAR = "/api/config/weights", "/admin/api/status", "/admin/api/clear"
METHODS = {WEIGHTS: ("GET", "POST", "DELETE"), STATUS: ("GET",), CLEAR: ("POST",)}


def token(folder: Path) -> Secret:
    """The token of the home whose folder this is, made when it is first wanted. Raises SetupError, OSError."""
    with disk.locked(folder):
        if (found := stored(folder)) is None:
            disk.create(folder / FILE, secrets.token_urlsafe(BYTES).encode())
            found = stored(folder)
    assert found
    return found


def stored(folder: Path) -> Secret | None:
    """The token, if there is one. Raises SetupError for a file that holds none: an empty one would open to all."""
    path = folder / FILE
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SetupError(f"The admin token cannot be read from {path}: {error}.") from error
    if len(text) < LENGTH:
        raise SetupError(f"{path} holds no admin token. Remove it; the next start makes a new one.")
    return Secret(text)


class Clear(msgspec.Struct, forbid_unknown_fields=True):
    target: str | None = None


@dataclass(slots=True)
class Admin:
    pipeline: Pipeline
    weights: Weights
    token: Secret | None = None  # None: nobody may

    def check(self, headers: Mapping[str, str], *, local: bool) -> None:
        """Raises Forbidden for other machines, Unauthorized without the token."""
        if not local:
            raise Forbidden("This is answered to programs on the same machine only.")
        shown = [Secret(headers.get(HEADER, "")), presented(headers).get("authorization", Secret(""))]
        matches = [self.token is not None and self.token.matches(each.reveal()) for each in shown]
        if not any(matches):  # all are compared: the time must not tell which it was
            raise Unauthorized(
                f"This takes the admin token: `{HEADER}: …` with what stands in state/{FILE} "
                "in idetour's home (`idetour where`).",
                code="admin_token_required",
            )

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Raises RequestError. Whoever calls this has called `check`."""
        match path, exchange.method:
            case "/api/config/weights", "GET":
                said: object = {"differs": self.weights.differing}
            case "/api/config/weights", "POST":
                said = self._weighed(await self.weights.change(await changing(exchange)))
            case "/api/config/weights", _:
                said = self._weighed(await self.weights.reset())
            case "/admin/api/clear", _:
                said = self._clear(await changing(exchange))
            case _:
                said = self._status()
        await exchange.answer(200, msgspec.json.encode(said), {"cache-control": "no-store"})

    def _weighed(self, changed: object) -> object:
        return {"changed": changed, "differs": self.weights.differing}

    def _status(self) -> object:
        watched = self.weights.watched
        return {
            "version": __version__,
            "profile": {
                "name": watched.current.name,
                "file": str(watched.current.path.absolute()),
                "problem": watched.problem,
            },
            "targets": [fares(state) for state in self.pipeline.health.snapshot()],
            "weights": self.weights.differing,
            "recent": [told(record) for record in reversed(self.pipeline.recent)][:SHOWN],
        }

    def _clear(self, body: bytes) -> object:
        """Forget what is held against a target, or against all of an upstream's; without a name, against any."""
        try:
            wanted = msgspec.json.decode(body or b"{}", type=Clear).target
        except (ValueError, RecursionError) as error:
            raise BadRequest(f'Send {{"target": "upstream/model-id"}}: {error}.', param="target") from None
        health = self.pipeline.health
        names = {state.target.upstream for state in health.snapshot()} if wanted is None else {wanted}
        return {"cleared": sorted(str(target) for name in names for target in health.clear(name))}


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


def fares(state: TargetState) -> dict[str, Any]:
    return asdict(state) | {"target": str(state.target)}


def told(record: Record) -> dict[str, Any]:
    """A request without anything that was said in it. Times in seconds, `began` since 1970."""
    return {
        "id": record.id,
        "began": record.began,
        "door": record.door,
        "asked": record.asked,
        "target": record.target and str(record.target),
        "attempts": [
            {"target": str(each.target), "ended": each.ended, "after": each.after} for each in record.tried
        ],
        "outcome": record.outcome,
        "status": record.status,
        "tokens": record.usage,
        "first_token": record.first_token,
        "total": record.total,
    }
