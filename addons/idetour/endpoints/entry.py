"""Through which door a request came, and the tickets that carry this across the loopback hop.

The proxy hands a flow to us over a loopback port that anybody on the machine
could reach. A ticket proves that the request comes from the proxy; it is used
once. It also holds the client's credentials, so that the flow that people look
at, save and export holds none.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idetour.addresses import hostname
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.grants import Grant
from idetour.errors import Forbidden
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile

if TYPE_CHECKING:
    from idetour.endpoints.app import App

TICKET = "x-idetour-ticket"
MOST_OPEN = 10_000  # tickets that were issued and never used are dropped beyond this


@dataclass(slots=True, kw_only=True)
class Entry:
    host: str | None = None  # the intercepted host; None: somebody asked us by our own name
    local: bool = False  # whether the client is a program on this machine
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)  # headers kept out of the flow
    path: str = field(default="", repr=False)  # as it was asked: the flow shows no secret of its query
    record: Record | None = None  # filled when the request is read
    grant: Grant | None = None  # of a task that asks with a token of its own

    @property
    def name(self) -> str:
        return self.host or "direct"


@dataclass(frozen=True, slots=True)
class Line:
    """A connection to an intercepted host that the proxy handed over whole."""

    host: str  # which it is
    hosts: frozenset[str]  # all that are intercepted

    def meant(self, headers: Mapping[str, str]) -> str:
        """The intercepted host that a request is for, by its `Host`. Raises Forbidden where that is another."""
        host = headers.get("host", self.host)
        if (named := (hostname(host) or "").rstrip(".")) in self.hosts:
            return named
        raise Forbidden(f"Host {host!r} is not to be had by way of {self.host}, which is intercepted.")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that may come in: how it came, where it goes, and what answers. `path` is as we know it."""

    exchange: Exchange
    door: Entry
    path: str
    profile: Profile
    app: "App"

    @property
    def pipeline(self) -> Pipeline:
        return self.app.pipeline


@dataclass(slots=True)
class Tickets:
    _open: dict[str, Entry] = field(default_factory=dict)

    def issue(self, door: Entry) -> str:
        if len(self._open) >= MOST_OPEN:
            self._open.pop(next(iter(self._open)))
        ticket = secrets.token_urlsafe(24)
        self._open[ticket] = door
        return ticket

    def take(self, ticket: str) -> Entry | None:
        return self._open.pop(ticket, None)
