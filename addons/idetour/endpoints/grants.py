"""Tokens for one task each: they let it ask for models, are counted, end by themselves, and can be taken back.

Whoever starts an agent gives it such a token instead of a key. Its shell may
read it, and what it is worth is gone when the task is. The tokens themselves
are not kept, only their digests; these survive a restart, with what was used.
"""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from idetour.endpoints.access import GRANTED, presented
from idetour.errors import Forbidden, RequestError, Unauthorized
from idetour.gateway.database import Database
from idetour.gateway.news import News
from idetour.gateway.record import Record

BYTES = 24  # of randomness
MOST = 10_000  # at a time
LONGEST_SECONDS = 30 * 86400.0
SCHEMA = """
    CREATE TABLE IF NOT EXISTS grants (
        digest TEXT PRIMARY KEY, expires REAL NOT NULL, said TEXT NOT NULL -- the grant, as JSON
    );
"""


class Used(msgspec.Struct):
    """Since the token was issued."""

    requests: int = 0
    prompt: int = 0  # tokens
    completion: int = 0


class Grant(msgspec.Struct):
    id: str
    label: str
    digest: str
    expires: float  # seconds since 1970
    models: list[str] | None = None  # None: any
    usage: Used = msgspec.field(default_factory=Used)

    def check(self, model: str) -> None:
        """Raises Forbidden for a model that is not among those of the token."""
        if self.models is not None and model not in self.models:
            raise Forbidden(
                f"This token is for {', '.join(self.models) or 'no model'}, not for {model!r}.",
                code="model_not_granted",
            )

    def told(self) -> dict[str, object]:
        names = ("id", "label", "expires", "models", "usage")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class Grants:
    """`path` None: they end with the process."""

    path: Path | None = None
    _all: dict[str, Grant] = field(default_factory=dict)  # by digest
    _news: dict[str, News] = field(default_factory=dict)  # what models say to who asks with it, by its id
    _database: Database = field(init=False)

    def __post_init__(self) -> None:
        self._database = Database(self.path, SCHEMA, "tokens of tasks", self._read)

    def _read(self, connection: sqlite3.Connection) -> None:
        """What was issued before. A file that cannot be read lets nobody in."""
        with connection:
            connection.execute("DELETE FROM grants WHERE expires < ?", (time.time(),))
        try:
            rows = connection.execute("SELECT said FROM grants").fetchall()
            found = [msgspec.json.decode(said, type=Grant) for (said,) in rows]
        except msgspec.MsgspecError as error:
            raise sqlite3.DatabaseError(str(error)) from None
        self._all = {grant.digest: grant for grant in found}

    def of(self, headers: Mapping[str, str]) -> Grant | None:
        """The grant of who asks; None where no such token is shown. Raises Unauthorized for one that is over."""
        shown = [key.reveal() for key in presented(headers).values() if key.reveal().startswith(GRANTED)]
        if not shown:
            return None
        grant = self._all.get(digest(shown[0]))
        if grant is None or grant.expires <= time.time():
            raise Unauthorized("This task's token has been revoked, or has expired.", code="token_revoked")
        return grant

    def live(self) -> list[Grant]:
        return [grant for grant in self._all.values() if grant.expires > time.time()]

    def issue(self, label: str, *, seconds: float, models: list[str] | None) -> tuple[Grant, str]:
        """A new grant and its token, which is said this once. Raises RequestError where there are too many."""
        for old in [each for each in self._all.values() if each.expires <= time.time()]:
            self._drop(old)
        if len(self._all) >= MOST:
            raise RequestError(f"There are {MOST:,} tokens already.", status=503, code="overloaded")
        token = GRANTED + secrets.token_urlsafe(BYTES)
        expires = time.time() + min(max(seconds, 0.0), LONGEST_SECONDS)
        grant = Grant(secrets.token_hex(8), label, digest(token), expires, models)
        self._all[grant.digest] = grant
        self._write(grant)
        return grant, token

    def count(self, grant: Grant, record: Record) -> None:
        """What a request used, also one that was given up."""
        grant.usage.requests += 1
        if record.usage:
            grant.usage.prompt += record.usage.prompt
            grant.usage.completion += record.usage.completion
        if grant.digest in self._all:  # a request may outlive its token
            self._write(grant)

    def news(self, grant: Grant) -> News:
        """What is told of a grant, for who begins to listen to it."""
        self._news = {id: each for id, each in self._news.items() if each.heard}
        return self._news.setdefault(grant.id, News())

    def heard(self, grant: Grant) -> News | None:
        """Where to tell what a model says to who asks with it; None where nobody listens."""
        news = self._news.get(grant.id)
        return news if news and news.heard else None

    def revoke(self, id: str) -> Grant | None:
        """From the next request on its token is refused, and who listens to it is told. Returns what it was."""
        found = next((grant for grant in self._all.values() if grant.id == id), None)
        if found:
            self._drop(found)
            if news := self._news.pop(id, None):
                news.close()
        return found

    def close(self) -> None:
        """After what is still to be written; milliseconds."""
        self._database.close()

    def _drop(self, grant: Grant) -> None:
        del self._all[grant.digest]
        self._database.write("DELETE FROM grants WHERE digest = ?", (grant.digest,))

    def _write(self, grant: Grant) -> None:
        said = msgspec.json.encode(grant).decode()
        self._database.write(
            "INSERT OR REPLACE INTO grants VALUES (?, ?, ?)", (grant.digest, grant.expires, said)
        )


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
