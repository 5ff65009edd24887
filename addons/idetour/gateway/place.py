"""What is known of one place to ask: a model at an upstream, with one key.

Four scopes meet in it, and places share what is not theirs alone: the endpoint
with all models there, the model with all keys, the key with all models.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from idetour.gateway.breaker import Breaker
from idetour.gateway.cooldown import Cooldown
from idetour.gateway.governor import Governor
from idetour.gateway.pace import Pace
from idetour.profile import Target

FIRST_BYTES = 20  # answers whose first byte is remembered

type State = Literal["healthy", "cooling", "open", "half-open"]
type Trouble = tuple[State, float, str]  # how it is called, until when, and why


@dataclass(slots=True, weakref_slot=True)
class Model:
    """A model at its upstream, whichever key asks."""

    breaker: Breaker = field(default_factory=Breaker)
    governor: Governor = field(default_factory=Governor)
    rest: Cooldown = field(default_factory=Cooldown)  # after exhaustion, for what is under way to end


@dataclass(slots=True, weakref_slot=True, eq=False)
class Credential:
    """A key at its upstream, whichever model it asks."""

    rest: Cooldown = field(default_factory=Cooldown)
    pace: Pace | None = None

    def keep_to(self, pace: int | None) -> None:
        """So many requests a minute from now on: the profile may have changed."""
        if pace is None:
            self.pace = None
        elif self.pace is None:
            self.pace = Pace(pace)
        else:
            self.pace.limit = pace


@dataclass(slots=True)
class Turn:
    """A place in the line: when it is, and whether somebody went."""

    place: "Place"
    at: float
    paced: float | None = None  # the turn of the pace in it

    def valid(self) -> bool:
        """Whether no later refusal has made it void."""
        return all(rest.until <= self.at for rest in self.place.rests())

    def give_back(self) -> None:
        if self.paced is not None and self.place.credential.pace:
            self.place.credential.pace.give_back(self.paced)


@dataclass(slots=True)
class Place:
    target: Target
    id: str  # stands for the key
    mark: str  # the end of the key, as it may be shown
    endpoint: Breaker
    model: Model
    credential: Credential
    rest: Cooldown = field(default_factory=Cooldown)  # of this key at this model
    in_flight: int = 0
    first_bytes: deque[float] = field(default_factory=lambda: deque(maxlen=FIRST_BYTES))  # seconds

    def rests(self) -> tuple[Cooldown, Cooldown, Cooldown]:
        return self.rest, self.credential.rest, self.model.rest

    def named(self) -> tuple[tuple[str, Cooldown], ...]:
        """The rests that may outlive the process, with their names."""
        return (str(self.target), self.rest), (self.target.upstream, self.credential.rest)

    def clear(self) -> None:
        for rest in self.rests():
            rest.clear()
        for breaker in (self.endpoint, self.model.breaker):
            breaker.clear()
        self.model.governor.clear()

    def well(self, now: float, turn: Turn | None = None, *, sole: bool = False) -> float:
        """From when on nothing but the pace is in the way; infinity: when something changes.

        Who has a `turn` does not queue again. A sole candidate is asked whatever its breakers say.
        """
        if self.model.governor.full(now):
            return math.inf
        held = turn is not None and turn.place is self
        ready = max(rest.until if held else rest.free() for rest in self.rests())
        return ready if sole else max(ready, self.endpoint.free(), self.model.breaker.free())

    def free(self, now: float, turn: Turn | None = None, *, sole: bool = False) -> float:
        """From when on a request may go."""
        if turn is not None and turn.place is self:
            return max(self.well(now, turn, sole=sole), turn.at)
        pace = self.credential.pace
        return max(self.well(now, sole=sole), pace.free() if pace else -math.inf)

    def turn(self, now: float) -> Turn:
        """Queue up."""
        paced = self.credential.pace.turn(now) if self.credential.pace else None
        return Turn(self, max(paced or now, *(rest.turn(now) for rest in self.rests())), paced)

    def troubles(self, now: float) -> Iterator[Trouble]:
        """What is wrong: how that is called, until when (on the clock of `now`), and why."""
        for breaker in (self.endpoint, self.model.breaker):
            if (state := breaker.state(now)) != "closed":
                yield state, breaker.free(), breaker.why
        for rest in self.rests():
            if rest.until > now:
                yield "cooling", rest.until, rest.why


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """One line of a status list. Times are seconds."""

    target: Target
    key: str  # `…1234`; empty where none is needed
    state: State
    left: float | None  # until it is asked again; None: at once, or when a request under way has ended
    why: str
    in_flight: int
    limit: int | None  # of requests at a time, while the model's governor sets one
    pace: int | None  # requests that may still go within this minute, where the upstream is paced
    first_byte: float | None  # median of the last answers


def state_of(place: Place, now: float) -> TargetState:
    worst = max(place.troubles(now), key=lambda trouble: trouble[1], default=("healthy", now, ""))
    state, until, why = worst
    return TargetState(
        target=place.target,
        key=place.mark,
        state=state,
        left=until - now if now < until < math.inf else None,
        why=why,
        in_flight=place.in_flight,
        limit=place.model.governor.limit(now),
        pace=place.credential.pace.left(now) if place.credential.pace else None,
        first_byte=median(place.first_bytes) if place.first_bytes else None,
    )
