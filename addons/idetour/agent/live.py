"""What a task's model says while it says it, heard from the gateway by a thread.

The supervisor never waits for the gateway: whatever becomes of that, the run goes on. So a thread listens, comes back
to where it was after a break, and keeps a little until it is fetched.
"""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import msgspec

from idetour.agent.gateway import Gateway
from idetour.errors import SetupError

SAID = "/admin/api/tokens/said"
PAUSES = (0.2, 1.0, 2.0, 5.0, 10.0)  # seconds before it is tried again; the last one from then on
SILENCE = 45.0  # seconds; an idetour that lives says something each 15
LONGEST = 4 << 20  # bytes of a line
KEPT = 1 << 20  # bytes of pieces that wait to be fetched; what comes beyond is left out
SURE = ("hello", "begin", "end")  # short, and never left out: they tell which answer a piece belongs to

type Told = dict[str, Any]  # an event of the gateway's: its `type`, and what that has


class Over(Exception):
    """There is nothing to hear: the token is gone, or this idetour does not tell."""


class Ear:
    """Hears what is said to the task that has this token."""

    def __init__(self, gateway: Gateway, id: str) -> None:
        self._gateway, self._id = gateway, id
        self._last = ""  # the id of the last event
        self._told: list[Told] = []
        self._kept = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._listen, name="live", daemon=True)
        self._thread.start()

    def heard(self) -> list[Told]:
        """What was told since the last call."""
        with self._lock:
            found, self._told, self._kept = self._told, [], 0
            return found

    def close(self) -> None:
        self._ending.set()
        if line := self._socket:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._thread.join(1.0)  # it may be dialling; it dies with us

    def _listen(self) -> None:
        """The thread."""
        pauses = chain(PAUSES, repeat(PAUSES[-1]))
        while not self._ending.is_set():
            try:
                for told in self._events():
                    pauses = chain(PAUSES, repeat(PAUSES[-1]))
                    if told.get("type") == "over":
                        return
                    self._keep(told)
            except Over:
                return
            except (OSError, http.client.HTTPException, SetupError):
                pass  # it is away, or starts again
            self._ending.wait(next(pauses))

    def _keep(self, told: Told) -> None:
        size = sum(len(each) for each in told.values() if isinstance(each, str))
        with self._lock:
            if told.get("type") in SURE or self._kept + size <= KEPT:
                self._told.append(told)
                self._kept += size

    def _events(self) -> Iterator[Told]:
        """One connection's, from where the last one ended. Raises Over, OSError, HTTPException, SetupError."""
        back = {"last-event-id": self._last} if self._last else {}
        with contextlib.closing(self._gateway.line(SILENCE)) as line:
            line.connect()
            self._socket = line.sock
            try:
                line.request("GET", f"{SAID}?id={self._id}", headers={**self._gateway.proof(), **back})
                answer = line.getresponse()
                if 400 <= answer.status < 500:
                    raise Over
                if answer.status == 200:
                    yield from self._parsed(answer)
            finally:
                self._socket = None

    def _parsed(self, answer: http.client.HTTPResponse) -> Iterator[Told]:
        """Each event has an `id` line and one of `data`."""
        id, data = "", b""
        while (line := answer.readline(LONGEST)) and not self._ending.is_set():
            name, _, value = line.rstrip(b"\r\n").partition(b": ")
            match name:
                case b"id":
                    id = value.decode("ascii", "replace")
                case b"data":
                    data = value
                case b"" if data:
                    told, self._last, data = data, id, b""
                    try:
                        found = msgspec.json.decode(told, type=dict[str, Any])
                    except ValueError:
                        continue  # cut at LONGEST
                    yield found
