"""What was used: sums and their course, single requests, and one of them sent again."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import msgspec

from idetour.endpoints.admin.models import sent
from idetour.endpoints.admin.owner import Admin, number, query, told, wish
from idetour.endpoints.asgi import Exchange
from idetour.errors import BadRequest, NotFound, RequestError
from idetour.gateway.lately import MOST
from idetour.gateway.scrub import Scrubber
from idetour.secret import Secret
from idetour.usage import availability as reliance
from idetour.usage import query as questions
from idetour.usage import requests
from idetour.usage.query import COLUMNS, STEPS, Span, Step
from idetour.usage.row import Bodies, Entry
from idetour.wire import chat

LATEST = 4e9  # seconds since 1970: no end
NOT_KEPT = f"is not kept: only the latest {MOST} are remembered. `idetour run --keep-bodies` keeps a day's"


class Again(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    target: str | None = None  # None: the same name once more


async def summary(admin: Admin, exchange: Exchange) -> None:
    said = query(exchange)
    by = questions.checked(said["by"]) if said.get("by") else None
    await told(exchange, await ask(admin, questions.summary(span(said), by)))


async def series(admin: Admin, exchange: Exchange) -> None:
    said = query(exchange)
    await told(exchange, await ask(admin, questions.series(span(said), step(said.get("step")))))


async def availability(admin: Admin, exchange: Exchange) -> None:
    said = query(exchange)
    await told(exchange, await ask(admin, reliance.availability(span(said), step(said.get("step")))))


async def listing(admin: Admin, exchange: Exchange) -> None:
    said = query(exchange)
    now = time.time()
    wanted = requests.Wanted(
        limit=number(said, "limit", 50),
        before=said.get("before", ""),
        since=questions.moment(said["since"], now) if said.get("since") else 0.0,
        until=questions.moment(said["until"], now) if said.get("until") else LATEST,
        search=said.get("search", "")[:200],
        filters={name: said[name] for name in requests.FILTERS if said.get(name)},
    )
    rows, following = await ask(admin, requests.page(wanted))
    await told(exchange, {"requests": rows, "next": following})


async def one(admin: Admin, exchange: Exchange) -> None:
    """One request by its id, which is the last part of the path. One under way is told as far as it has come."""
    id = exchange.path.rstrip("/").rpartition("/")[2]
    entry = await ask(admin, requests.entry(id)) or under_way(admin, id)
    if entry is None:
        raise unknown(id)
    if entry.bodies is None and (body := admin.pipeline.chronicle.lately.body(id)):
        entry = replace(entry, bodies=await asyncio.to_thread(shown, body, admin.pipeline.chronicle.keys()))
    await told(exchange, requests.document(entry))


def under_way(admin: Admin, id: str) -> Entry | None:
    """A request that has not been written yet."""
    found = (record for record in admin.pipeline.recent if record.id == id)
    return next(map(admin.pipeline.chronicle.entry, found), None)


def shown(body: bytes, keys: Iterable[Secret]) -> Bodies:
    """What was asked, without secrets. Its answer is not remembered."""
    return Bodies(request=Scrubber(keys).text(body.decode("utf-8", "replace")), answer="")


async def again(admin: Admin, exchange: Exchange) -> None:
    """Send a request once more, to another target if one is named; the answer comes as from Chat Completions.

    The latest are remembered as they were asked; older ones only where what is said is kept.
    """
    wanted = await wish(exchange, Again, '{"id": "req_…", "target": "upstream/model-id"}')
    entry = await ask(admin, requests.entry(wanted.id)) or under_way(admin, wanted.id)
    if entry is None:
        raise unknown(wanted.id)
    body = admin.pipeline.chronicle.lately.body(wanted.id)
    try:
        request = chat.read(
            body or (entry.bodies.request.encode() if entry.bodies else b""), default=entry.row.asked
        )
    except BadRequest:
        why = "was longer than is kept" if entry.bodies else NOT_KEPT
        raise RequestError(f"What {wanted.id} said {why}.", status=409, code="body_not_kept") from None
    name = wanted.target or entry.row.asked
    await sent(admin, exchange, replace(request, model=name, stream=True, include_usage=True))


async def ask[T](admin: Admin, question: Callable[[sqlite3.Connection], T]) -> T:
    """Raises RequestError where the store cannot be read."""
    try:
        return await admin.store.read(question)
    except sqlite3.Error as error:
        raise RequestError(f"Usage cannot be read: {error}.", status=503, code="usage_not_kept") from error


def unknown(id: str) -> NotFound:
    return NotFound(f"No request is called {id[:60]!r} here; single ones are kept for 30 days.")


def span(said: Mapping[str, str]) -> Span:
    """Raises BadRequest."""
    now = time.time()
    since = questions.moment(said.get("since") or "24h", now)
    until = questions.moment(said["until"], now) if said.get("until") else now
    if since >= until:
        raise BadRequest("`since` has to lie before `until`.", param="since")
    only = {column: said[name] for name, column in COLUMNS.items() if said.get(name)}
    return Span(since=since, until=until, only=only)


def step(said: str | None) -> Step | None:
    """Raises BadRequest."""
    if not said:
        return None
    for known in STEPS:
        if known == said:
            return known
    raise BadRequest(f"{said[:40]!r} is no step. There are {', '.join(STEPS)}.", param="step")
