"""Requests that are refused before anybody is asked: said in the log, and listed where a client meant a model.

Somebody whose IDE shows an error looks for it among the requests. Who only tries
paths is not listed, nor is more than a few a second: a scan must not fill the list.
"""

import logging
import time
from dataclasses import dataclass

from idetour.endpoints.asgi import Exchange
from idetour.endpoints.entry import Entry
from idetour.endpoints.places import find, tidy
from idetour.errors import RequestError
from idetour.gateway.chronicle import Chronicle
from idetour.gateway.record import Record, shown

log = logging.getLogger("idetour")

MOST = 30  # that are listed within MINUTE
MINUTE = 60.0  # seconds


@dataclass(slots=True)
class Rejected:
    chronicle: Chronicle
    _since: float = 0.0  # on the monotonic clock
    _listed: int = 0

    def note(self, exchange: Exchange, entry: Entry, error: RequestError) -> None:
        """Say it. Listed is what was meant for a model; the body is not looked at."""
        if entry.record is not None:
            return  # a model was meant to be asked: its end is written down already
        said = shown(f"{exchange.method} {exchange.path} · refused {error.status}: {error.message}")
        log.info("%s", said, extra={"request": exchange.id, "kind": "refused"})
        if not for_a_model(exchange.method, tidy(exchange.path)):
            return
        record = entry.record = Record(asked="", door=entry.name, id=exchange.id)
        record.end("refused", status=error.status, error=error.message)
        self.chronicle.refused(record, path=exchange.path, headers=exchange.headers, listed=self._room())

    def _room(self) -> bool:
        now = time.monotonic()
        if now - self._since > MINUTE:
            self._since, self._listed = now, 0
        self._listed += 1
        return self._listed <= MOST


def for_a_model(method: str, path: str) -> bool:
    """Whether a client of a model asks so: there, or where it thinks that one is to be found."""
    place = find(path)
    if place is None:
        return method == "POST" and path.startswith("/v1/")
    return place.who != "owner" and method in place.answers and not place.open(method)
