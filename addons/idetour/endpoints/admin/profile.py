"""The profile: its text with its mistakes marked, a look at one that is not in use yet, and which rule a request meets."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from idetour.endpoints.admin import status
from idetour.endpoints.admin.owner import Admin, told, wish
from idetour.endpoints.asgi import Exchange
from idetour.errors import BadRequest, NotFound, SetupError
from idetour.gateway.chronicle import secrets_of
from idetour.gateway.tries import foreseen
from idetour.profile import Profile, Rule
from idetour.profile.problem import Problem, ProfileError
from idetour.profile.read import read
from idetour.profile.source import covered
from idetour.routes.asked import Asked
from idetour.routes.kind import kind
from idetour.routes.plan import first_choice, route_of
from idetour.routes.words import judged
from idetour.secret import Secret
from idetour.wire import chat

LONGEST = 512 << 10  # bytes of a profile
SHORTEST = 4  # characters; a shorter key would be found inside words


class Check(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class Explain(msgspec.Struct, forbid_unknown_fields=True):
    text: str | None = None
    request: dict[str, Any] | None = None
    model: str | None = None


async def profile(admin: Admin, exchange: Exchange) -> None:
    """The file as it is on the disk now, whichever version is in use."""
    path = admin.weights.watched.current.path
    said = await asyncio.to_thread(file, path, secrets_of(admin.weights.watched.current))
    await told(exchange, status.profile(admin) | said)


async def check(admin: Admin, exchange: Exchange) -> None:
    """What would be said of a profile with this text, in the place of the one in use."""
    text = (await wish(exchange, Check, '{"text": "models: …"}')).text
    if len(text.encode("utf-8", "replace")) > LONGEST:
        raise BadRequest(f"A profile longer than {LONGEST >> 10} KB is not looked at.", param="text")
    said = await asyncio.to_thread(checked, text, admin.weights.watched.current.path)
    await told(exchange, said)


async def explain(admin: Admin, exchange: Exchange) -> None:
    """Which rule a request meets, and who would be asked, without sending it anywhere."""
    wanted = await wish(exchange, Explain, '{"text": "…", "model": "…"} or {"request": {…}}')
    if (wanted.text is None) == (wanted.request is None):
        raise BadRequest("Send either `text`, what a user would type, or `request`, a whole Chat request.")
    body = wanted.request or {"messages": [{"role": "user", "content": wanted.text}]}
    made = admin.weights.profile
    read = chat.read(
        msgspec.json.encode(body), default=wanted.model or next(iter(made.routes), None) or first_choice(made)
    )
    asked = Asked(request=replace(read, model=wanted.model) if wanted.model else read)
    await told(exchange, await explained(admin, made, asked))


async def explained(admin: Admin, made: Profile, asked: Asked) -> dict[str, Any]:
    listed, router = admin.pipeline.listed, admin.pipeline.router
    route = route_of(made, asked.request.model, listed)
    began, planned, refused = time.perf_counter(), None, None
    try:
        planned = await router.plan(made, asked, listed=listed)
    except NotFound as error:
        refused = error.message
    took = (time.perf_counter() - began) * 1000
    return {
        "asked": asked.request.model,
        "route": route,
        "why": planned.why if planned else None,
        "refused": refused,
        "milliseconds": round(took, 3),
        "tokens": asked.tokens,
        "kind": kind(asked),
        "said": asked.text,
        "follows": asked.follows,
        "session": asked.session.key,
        "rules": [
            await ruled(admin, made, asked, number, rule)
            for number, rule in enumerate(made.routes[route] if route else (), 1)
        ],
        "candidates": [
            {"target": str(each.target), "upstream": each.upstream.title, "ready": each.upstream.ready}
            for each in (foreseen(planned, asked) if planned else ())
        ],
    }


async def ruled(admin: Admin, made: Profile, asked: Asked, number: int, rule: Rule) -> dict[str, Any]:
    """A rule and each of its words, also those that the gateway need not look at."""
    methods = admin.pipeline.router.methods(made)
    words = [
        {"word": word, "holds": verdict.holds, "why": verdict.why}
        async for word, verdict in judged(rule.when or {}, asked, methods)
    ]
    met = all(each["holds"] for each in words)
    return {"number": number, "met": met, "use": rule.use, "else": rule.otherwise, "words": words}


def file(path: Path, known: Iterable[Secret]) -> dict[str, Any]:
    """Its text, without keys, and what is wrong with it. Reads a file: not for the event loop."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError as error:
        return {"text": "", **faults(SetupError(f"{path}: {error.strerror}"))}
    for secret in (each for each in known if len(each.reveal()) >= SHORTEST):
        text = text.replace(secret.reveal(), str(secret))
    text = covered(text)  # what was just written is not known yet
    try:
        return {"text": text, "problems": [], "warnings": read(path, env=os.environ).warnings}
    except SetupError as error:
        return {"text": text, **faults(error)}


def checked(text: str, path: Path) -> dict[str, Any]:
    """The same for a text: read from a file of its own, but told under the name of `path`."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_text(text, encoding="utf-8")
        try:
            return {"ok": True, "problems": [], "warnings": read(trial, env=os.environ).warnings}
        except SetupError as error:
            return {"ok": False, **faults(error)}


def faults(error: SetupError) -> dict[str, Any]:
    listed = (
        error.problems if isinstance(error, ProfileError) else (Problem(path=Path(), message=str(error)),)
    )
    names = ("line", "column", "message", "hint")
    told = [{name: getattr(each, name) for name in names} | {"source": each.source_line} for each in listed]
    return {"problems": told, "warnings": []}
