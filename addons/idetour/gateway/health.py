"""Who is well, who rests and until when: what earlier failures mean for the next request.

A fault has a scope (`faults.py`), and each scope a small machine of its own:

    credential×model   cooldown.py                 429; 404 and 410 for an hour
    credential         cooldown.py, pace.py        refused keys and quotas; requests a minute
    model              governor.py, breaker.py     busy; failing again and again
    endpoint           breaker.py                  cannot be reached

`place.py` puts together what counts for one target with one key. A healthy
place costs a lookup and a few comparisons; nothing here waits but `change`.
"""

import asyncio
import hmac
import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakValueDictionary

from idetour.gateway.breaker import Breaker
from idetour.gateway.cooldown import Cooldown
from idetour.gateway.faults import Fault
from idetour.gateway.lasting import LEAST_SECONDS, Lasting, Row
from idetour.gateway.place import Credential, Model, Place, TargetState, Turn, state_of
from idetour.gateway.tries import Try
from idetour.profile import Target
from idetour.secret import Secret

SOON_SECONDS = 0.1  # for a turn at somebody who is well: no reason to go elsewhere
MOST_PLACES = 2000  # the oldest idle one is forgotten: with `key: client` everybody may bring keys


class Rests(NamedTuple):
    left: float | None  # seconds until it may be asked again; None: now
    why: str
    under_way: int  # requests


@dataclass(slots=True)
class Health:
    """`clock` is monotonic, in seconds."""

    lasting: Lasting = field(default_factory=Lasting)
    clock: Callable[[], float] = time.monotonic
    _places: dict[tuple[Target, str, str], Place] = field(default_factory=dict)
    _endpoints: WeakValueDictionary[str, Breaker] = field(default_factory=WeakValueDictionary)
    _models: WeakValueDictionary[tuple[Target, str], Model] = field(default_factory=WeakValueDictionary)
    _credentials: WeakValueDictionary[tuple[str, str], Credential] = field(
        default_factory=WeakValueDictionary
    )
    _waiting: dict[asyncio.Future[None], None] = field(default_factory=dict)  # in the order of coming

    def identify(self, key: Secret) -> str:
        """What stands for a key: nobody can tell the key from it, even with the file that it is kept in."""
        return hmac.digest(self.lasting.salt, key.reveal().encode(), "sha256")[:12].hex()

    def place(self, each: Try) -> Place:
        key = each.candidate.target, each.candidate.upstream.url, each.id
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = self._make(each)
            if len(self._places) > MOST_PLACES:
                idle = next((key for key, place in self._places.items() if not place.in_flight), None)
                self._places.pop(idle, None) if idle else None
        found.credential.keep_to(each.candidate.upstream.manners.pace)
        return found

    def _make(self, each: Try) -> Place:
        target, upstream = each.candidate.target, each.candidate.upstream
        endpoint = upstream.url or upstream.name
        made = Place(
            target=target,
            id=each.id,
            mark=each.mark,
            endpoint=self._endpoints.setdefault(endpoint, Breaker()),
            model=self._models.setdefault((target, endpoint), Model()),
            credential=self._credentials.setdefault((endpoint, each.id), Credential()),
        )
        for name, rest in made.named():
            if (row := self.lasting.rows.get((name, each.id))) and row.until > time.time():
                rest.resume(self.clock() + row.until - time.time(), row.why)
        return made

    def best(
        self, tries: Iterable[Try], now: float, turn: Turn | None, *, sole: bool = False
    ) -> tuple[Try, float]:
        """The first that may go now, or the one that may go first, and when. At least one must be there."""
        best, soonest = None, math.inf
        for each in tries:
            place = self.place(each)
            at = place.free(now, turn, sole=sole)
            if at <= now or (at - now <= SOON_SECONDS and place.well(now, turn, sole=sole) <= now):
                return each, at
            if best is None or at < soonest:
                best, soonest = each, at
        assert best
        return best, soonest

    def enter(self, each: Try, turn: Turn | None = None) -> "Permit":
        """The attempt begins now. `turn`: the one that was waited for."""
        place, now = self.place(each), self.clock()
        if turn is None:
            place.turn(now)
        place.in_flight += 1
        place.model.governor.in_flight += 1
        return Permit(self, place, now, (place.endpoint.enter(), place.model.breaker.enter()))

    async def change(self, seconds: float) -> None:
        """Wait until somewhere an attempt has ended or was answered, but no longer than that."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            pass
        finally:
            del self._waiting[future]

    def notify(self) -> None:
        """Let those who wait look again, in the order in which they came."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def keep(self, place: Place) -> None:
        """Write long rests down."""
        for name, rest in place.named():
            if (left := rest.until - self.clock()) > LEAST_SECONDS:
                self.lasting.put(Row(name, place.id, time.time() + left, rest.why))

    def forget(self, place: Place) -> None:
        """Strike out what is over."""
        for name, rest in place.named():
            if not rest.level:
                self.lasting.drop(name, place.id)

    def snapshot(self) -> list[TargetState]:
        """Each target with each key that was considered since the start."""
        now = self.clock()
        return [state_of(place, now) for place in self._places.values()]

    def rests(self, id: str) -> Rests:
        """How a credential fares, whichever model it asks."""
        now, places = self.clock(), [place for place in self._places.values() if place.id == id]
        states = {place.credential for place in places}
        worst = max((state.rest for state in states), key=lambda rest: rest.until, default=Cooldown())
        left = worst.until - now if worst.until > now else None
        return Rests(left, worst.why if left else "", sum(place.in_flight for place in places))

    def forgive(self, id: str) -> None:
        """A credential is another than before: what was held against it is void."""
        for place in self._places.values():
            if place.id == id:
                place.rest.clear()
                place.credential.rest.clear()
                self.forget(place)
        self.notify()

    def clear(self, name: str) -> list[Target]:
        """Ask a target, or all of an upstream's, as if nothing had happened. Returns which those are."""
        found = [each for each in self._places.values() if name in (str(each.target), each.target.upstream)]
        for place in found:
            place.clear()
            self.forget(place)
        for row in [*self.lasting.rows.values()]:  # from before the start, and not considered since
            if name in (row.name, row.name.partition("/")[0]):
                self.lasting.drop(row.name, row.id)
        self.notify()
        return list(dict.fromkeys(place.target for place in found))


@dataclass(slots=True)
class Permit:
    """One attempt under way. `left` ends it, however it went; the others say how."""

    health: Health
    place: Place
    began: float
    probes: tuple[bool, bool]  # whether it tries the endpoint, and the model, for others
    _over: bool = False

    def answered(self, *, first_byte: bool) -> None:
        """Committed. `first_byte`: it streams, so that the time until now means something."""
        now, place = self.health.clock(), self.place
        for breaker, probe in self._breakers():
            breaker.answered(now, probe=probe)
        for rest in place.rests():
            if rest.level:
                rest.answered(began=self.began)
                self.health.forget(place)
        if first_byte:
            place.first_bytes.append(now - self.began)
        self.probes = (False, False)  # what comes later decides for nobody else
        self.health.notify()

    def failed(self, fault: Fault) -> None:
        """Before the commit, or after it."""
        now, place, why = self.health.clock(), self.place, fault.error.message
        if fault.scope == "endpoint":
            place.endpoint.failed(now, probe=self.probes[0], why=why)
        elif fault.reached:  # somebody is there
            place.endpoint.answered(now, probe=self.probes[0])
        if fault.scope == "model" and not fault.busy:
            place.model.breaker.failed(now, probe=self.probes[1], why=why)
        if fault.busy:
            place.model.governor.exhausted(now, began=self.began)
        if rest := self._rest(fault):
            rest.refused(now, began=self.began, stated=fault.rest, chance=random.random(), why=why)
            self.health.keep(place)
        self.left()

    def _rest(self, fault: Fault) -> Cooldown | None:
        """What has to rest because of it."""
        match fault.scope:
            case "credential×model":
                return self.place.rest
            case "credential":
                return self.place.credential.rest
            case "model" if fault.busy:
                return self.place.model.rest
            case _:
                return None

    def left(self) -> None:
        """The answer has ended, or the client has left."""
        if self._over:
            return
        self._over = True
        self.place.in_flight -= 1
        self.place.model.governor.in_flight -= 1
        for breaker, probe in self._breakers():
            breaker.left(probe=probe)
        self.health.notify()

    def _breakers(self) -> tuple[tuple[Breaker, bool], tuple[Breaker, bool]]:
        return (self.place.endpoint, self.probes[0]), (self.place.model.breaker, self.probes[1])
