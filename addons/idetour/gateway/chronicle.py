"""Follows each request and tells of it: live to listeners, at its end to the usage store and the metrics.

Nothing here waits, and nothing can fail a request. What was said is kept only
on demand, without secrets, and cut.
"""

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from msgspec import Raw

from idetour.errors import BadRequest
from idetour.gateway import logs
from idetour.gateway.delivery import Client
from idetour.gateway.lately import Lately
from idetour.gateway.news import News
from idetour.gateway.record import NO_KEY, NO_WORD, Record, Stage, Tried, shown
from idetour.gateway.scrub import LEFT_OUT, Scrubber, in_pieces
from idetour.profile import Profile
from idetour.routes.asked import Asked
from idetour.secret import Secret, in_url
from idetour.usage.client import named
from idetour.usage.metrics import Metrics
from idetour.usage.prices import Prices
from idetour.usage.row import Attempt, Bodies, Entry, Row
from idetour.usage.store import Store
from idetour.wire import raw
from idetour.wire.usage import Usage

log = logging.getLogger("idetour")

PROTOCOLS = (
    ("/messages", "messages"),
    ("/responses", "responses"),
    ("/embeddings", "embeddings"),
    ("/api/chat", "script"),
    ("/api/claude", "script"),
)
TOKEN = 4  # bytes of text
WORD_ENDS = (b" ", b'"', b",", b"\n")
REQUEST_BYTES, ANSWER_BYTES = 1 << 20, 256 << 10  # what is kept of them on demand


class Exporter(Protocol):
    def __call__(self, entry: Entry) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class Chronicle:
    """`store` None: nothing is kept, and nobody estimates. `keys` are secrets that no kept body may hold."""

    store: Store | None = None
    prices: Prices = field(default_factory=Prices)
    news: News = field(default_factory=News)
    metrics: Metrics = field(default_factory=Metrics)
    export: Exporter | None = None
    keep_bodies: bool = False
    lately: Lately = field(default_factory=Lately)
    keys: Callable[[], list[Secret]] = list
    logs: Path | None = None  # the folder of the log's files
    _end_log: Callable[[], None] | None = None
    _listening: dict[str, "Listening"] = field(default_factory=dict)

    def start(self) -> None:
        """Keep the log as well, from now on. On a running loop."""
        self._end_log = logs.keep(self.logs, self.news, self.keys)

    def begin(self, record: Record, asked: Asked, client: Client) -> Client:
        """Follow the request from now on. Returns the client to answer to: the same, or one that keeps what it hears."""
        record.stream = asked.request.stream
        record.protocol = spoken(asked.path)
        self.lately.remember(record.id, asked.request.fields)
        if self.store:
            self.store.do(functools.partial(estimate, record, asked))
            if self.keep_bodies:
                client = self._listening[record.id] = Listening(client, asked.request.fields)
        self.follow(record, path=asked.path, headers=asked.headers)
        return client

    def follow(self, record: Record, *, path: str, headers: Mapping[str, str]) -> None:
        """Tell of it from now on, whatever it asks for."""
        logs.request.set(record.id)
        record.client, record.path = named(headers.get("user-agent", "")), shown(path, 200)
        self.metrics.began()
        record.told = self._told
        self._told(record, "began")

    def refused(self, record: Record, *, path: str, headers: Mapping[str, str], listed: bool = True) -> None:
        """One that nobody was asked for. It is in no sum: who may not come in says nothing about models."""
        record.client, record.path = named(headers.get("user-agent", "")), shown(path, 200)
        record.protocol = spoken(path)
        self.metrics.refused(record.status)
        if listed:
            entry = self.entry(record)
            self.news.publish("request", entry.row, stage="ended")
            if self.store:
                self.store.add(entry)

    def _told(self, record: Record, stage: Stage) -> None:
        if stage == "ended":
            count(record)
            record.told = nobody
            self._ended(record)
        else:
            self.news.publish("request", functools.partial(self.row, record), stage=stage)

    def _ended(self, record: Record) -> None:
        entry = self.entry(record)
        self.news.publish("request", entry.row, stage="ended")
        self.metrics.ended(entry)
        if self.export:
            self.export(entry)
        heard = self._listening.pop(record.id, None)
        if self.store:
            self.store.add(entry, finish=functools.partial(self._finished, record, heard))

    def _finished(self, record: Record, heard: "Listening | None", entry: Entry) -> Entry:
        """With what takes a while, and was still under way when the request ended. In the store's thread."""
        count(record)
        bodies = heard.bodies(self.keys()) if heard else None
        return replace(entry, row=self.row(record), bodies=bodies)

    def row(self, record: Record) -> Row:
        """A request as it stands now."""
        target = str(record.target) if record.target else None
        cost = self.prices.cost(target, record.usage)
        return Row(
            id=record.id,
            began=record.began,
            client=record.client,
            protocol=record.protocol,
            path=record.path,
            door=record.door,
            asked=record.asked,
            stream=record.stream,
            target=target,
            key=record.key,
            outcome=record.outcome,
            status=record.status,
            error=record.error,
            tries=len(record.tried),
            tokens=record.usage,
            counted=record.counted,
            estimate=record.estimate,
            first_token=record.first_token,
            total=record.total,
            cost=cost.amount if cost else None,
            currency=cost.currency if cost else None,
            changed=record.changes(),
        )

    def entry(self, record: Record) -> Entry:
        return Entry(row=self.row(record), attempts=attempts(record))

    def close(self) -> None:
        """After what is still to be written."""
        if self.store:
            self.store.close()
        if self.export:
            self.export.close()
        if self._end_log:
            self._end_log()
            self._end_log = None


def secrets_of(profile: Profile) -> list[Secret]:
    """All of a profile's keys and passwords, which nothing that is kept or shown may hold."""
    places = profile.upstreams.values()
    held = (secret for each in places for secret in (*each.secrets, *in_url(each.proxy or "")))
    return [*held, *profile.access]


def spoken(path: str) -> str:
    """The protocol of a path."""
    return next((name for part, name in PROTOCOLS if part in path), "chat")


def nobody(record: Record, stage: Stage) -> None:
    """The request has ended: what follows concerns nobody."""


def estimate(record: Record, asked: Asked) -> None:
    """Count before it is sent; milliseconds, so not on the event loop."""
    try:
        record.estimate = asked.tokens
    except BadRequest:  # the upstream may understand messages that we cannot read
        return
    log.debug(
        "%s is asked with about %s tokens", record.asked, f"{record.estimate:,}", extra={"request": record.id}
    )


def count(record: Record) -> None:
    """Say who counted the tokens, and estimate what nobody counted, as far as an answer went out."""
    if record.usage is not None:
        record.counted = record.counted or "reported"
    elif record.said and record.estimate is not None:
        said = max(1, round(record.said / TOKEN))
        record.usage, record.counted = Usage(record.estimate, said, record.estimate + said), "estimate"


def attempts(record: Record) -> tuple[Attempt, ...]:
    return tuple(attempt(n, each) for n, each in enumerate(record.tried, 1))


def attempt(n: int, tried: Tried) -> Attempt:
    status, _, _ = tried.ended.partition(" ")
    answered, skipped = tried.ended == "answered", tried.ended in (NO_KEY, NO_WORD)
    return Attempt(
        n=n,
        target=str(tried.target),
        key=tried.key,
        began=tried.began,
        ended=tried.after,
        outcome="answered" if answered else "skipped" if skipped else "failed",
        status=200 if answered else int(status) if status.isdigit() else None,
        error=None if answered else tried.error or tried.ended,
        rest=tried.rest,
    )


class Listening:
    """A client that keeps what it hears, up to a limit, and passes it on as it is."""

    def __init__(self, client: Client, fields: Mapping[str, Raw]) -> None:
        self.started = client.started
        self._client, self._fields = client, fields
        self._heard = bytearray()
        self._cut = False

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        await self._client.start(status, headers)

    async def write(self, data: bytes) -> None:
        room = ANSWER_BYTES - len(self._heard)
        self._heard += data[:room]
        self._cut = self._cut or len(data) > room
        await self._client.write(data)

    async def end(self) -> None:
        await self._client.end()

    def bodies(self, keys: list[Secret]) -> Bodies:
        """Request and answer without secrets. Takes milliseconds: not for the event loop."""
        scrubber = Scrubber(keys)
        request = raw.encode(dict(self._fields))
        cut = len(request) > REQUEST_BYTES
        heard = bytes(self._heard)
        answer = LEFT_OUT if in_pieces(heard, keys) else begun(heard, cut=self._cut)
        return Bodies(
            request=scrubber.text(begun(request[:REQUEST_BYTES], cut=cut)),
            answer=scrubber.text(answer),
            cut=self._cut or cut,
        )


def begun(said: bytes, *, cut: bool) -> str:
    """What was kept, to the end of a word where it was cut: half a key is one too."""
    kept = said[: max(said.rfind(mark) for mark in WORD_ENDS) + 1] if cut else said
    return kept.decode("utf-8", "replace")
