"""Weights that were set while idetour runs: they win over the profile's until they are taken back.

They are state, not configuration: the profile's file is never written. In a
folder they survive a restart, each profile's under the path of its file.

A weight holds in all rules of its route that choose the name, or in one of them.
That one is known by its condition, so it is found again where rules came, went or moved.
"""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from idetour import disk
from idetour.endpoints.switches import Switches
from idetour.errors import BadRequest, RequestError
from idetour.profile import Profile, Rule, Target
from idetour.profile.watch import Watched

log = logging.getLogger("idetour")

FILE = "weights.json"
LONGEST = 100  # characters of an unknown name that are repeated

EVERYWHERE = ""  # in the place of a rule's condition
FORMS = "Weights are {name: number}, {route: {name: number}} or {route: {number of rule: {name: number}}}"

type Of = dict[str, dict[str, float]]  # of a route: condition of a rule, or EVERYWHERE → name → weight
type Stated = dict[str, Of]
type Said = dict[str, float | dict[str, float]]  # of a route, as a body has it
type Differences = dict[str, dict[str, Any]]  # route → (rule →) name → {"was": …, "now": …}


@dataclass(slots=True)
class Weights:
    """Those of one profile. With `folder` they are kept in it."""

    watched: Watched
    folder: Path | None = None
    switches: Switches = field(init=False)
    _stated: Stated = field(init=False)
    _made: tuple[Profile, frozenset[Target], Profile] | None = None
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.switches = Switches(self.watched, self.folder)
        self._stated = saved(self.folder, self.watched.current) if self.folder else {}

    @property
    def profile(self) -> Profile:
        """The profile as it is now, weights and switches over it. Made anew when one of them has changed."""
        current, off = self.watched.current, self.switches.off
        if self._made is None or self._made[0] is not current or self._made[1] is not off:
            made = with_weights(current, self._stated) if self._stated else current
            self._made = current, off, replace(made, off=off) if off else made
        return self._made[2]

    @property
    def differing(self) -> Differences:
        """What is not as the profile says."""
        return differences(self.watched.current, self.profile)

    async def change(self, body: bytes) -> Differences:
        """Take on what a request's body says; returns what that changed. Raises BadRequest."""
        async with self._changing:
            profile = self.watched.current
            stated = read(body, profile)
            changed = {route: merged(self._stated.get(route, {}), of) for route, of in stated.items()}
            for route, of in changed.items():
                check(profile, route, of)
            return await self._take(self._stated | changed)

    async def reset(self) -> Differences:
        """Back to the profile's own weights; returns what that changed."""
        async with self._changing:
            return await self._take({})

    async def _take(self, stated: Stated) -> Differences:
        before = self.profile
        if self.folder:
            try:
                await asyncio.to_thread(save, self.folder, self.watched.current, stated)
            except OSError as error:
                raise RequestError(
                    f"The weights cannot be kept in {self.folder}: {error.strerror}."
                ) from error
        self._stated, self._made = stated, None
        return differences(before, self.profile)


def with_weights(profile: Profile, stated: Stated) -> Profile:
    """The profile with these weights in the place of its own.

    The file may have changed since they were set: what it does not know any more is
    passed over, and so is what would leave a rule nobody to choose.
    """

    def weighted(rule: Rule, of: Of) -> Rule:
        use = over(rule, of)
        return replace(rule, use=use) if any(use.values()) else rule

    routes = {
        name: tuple(weighted(rule, stated.get(name, {})) for rule in rules)
        for name, rules in profile.routes.items()
    }
    return replace(profile, routes=routes)


def over(rule: Rule, of: Of) -> dict[str, float]:
    """The weights of a rule: its own, else its route's, else the profile's."""
    stated = of.get(EVERYWHERE, {}) | of.get(condition(rule), {})
    return {name: stated.get(name, weight) for name, weight in rule.use.items()}


def condition(rule: Rule) -> str:
    """What a rule is known by in its route: of two with the same, only the first is ever reached."""
    return msgspec.json.encode(rule.when or {}, order="deterministic").decode()


def merged(before: Of, said: Of) -> Of:
    """What is said over what was: a name that is meant everywhere loses what was said of it in one rule."""
    everywhere = said.get(EVERYWHERE, {})
    made = {
        place: {name: weight for name, weight in weights.items() if name not in everywhere}
        for place, weights in before.items()
    }
    return made | {place: made.get(place, {}) | weights for place, weights in said.items()}


def differences(before: Profile, after: Profile) -> Differences:
    """The weights that are not the same in two versions of one profile.

    A name that several rules of its route choose is told below the number of each, from 1.
    """
    found: Differences = {}
    for route, rules in before.routes.items():
        times = Counter(name for rule in rules for name in rule.use)
        for number, (was, now) in enumerate(zip(rules, after.routes.get(route, ()), strict=False), 1):
            for name in was.use.keys() & now.use.keys():
                if was.use[name] != now.use[name]:
                    there = found.setdefault(route, {})
                    there = there.setdefault(str(number), {}) if times[name] > 1 else there
                    there[name] = {"was": was.use[name], "now": now.use[name]}
    return found


def read(body: bytes, profile: Profile) -> Stated:
    """What is to be. Raises BadRequest.

    name: weight                      in every route that chooses the name
    route: {name: weight}             in all rules of one route
    route: {number: {name: weight}}   in one rule; the first is 1
    """
    try:
        said = msgspec.json.decode(body, type=dict[str, float | dict[str, float | dict[str, float]]])
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{FORMS}: {error}.") from None
    stated: Stated = {}
    for key, value in said.items():
        if isinstance(value, dict):
            meant = {key: value}
        else:
            routes = profile.routes.items()
            meant = {route: {key: value} for route, rules in routes if any(key in each.use for each in rules)}
            if not meant:
                raise unknown(key, profile)
        for route, weights in meant.items():
            of = of_route(route, weights, profile)
            stated[route] = merged(stated.get(route, {}), of)
    if not any(any(of.values()) for of in stated.values()):
        raise BadRequest(f"No weight is named. {FORMS}.")
    return stated


def of_route(route: str, said: Said, profile: Profile) -> Of:
    """What a body says of one route. Raises BadRequest."""
    made: Of = {}
    rules = profile.routes.get(route, ())
    for key, value in said.items():
        if isinstance(value, dict):
            rule = numbered(route, key, rules)
            made[condition(rule)] = weighing(f"{route}.{key}", value, profile, (rule,))
        else:
            made.setdefault(EVERYWHERE, {}).update(weighing(route, {key: value}, profile, rules))
    return made


def weighing(
    place: str, weights: dict[str, float], profile: Profile, rules: Sequence[Rule]
) -> dict[str, float]:
    """The weights, if these rules choose all of their names. Raises BadRequest."""
    for name, weight in weights.items():
        if not any(name in rule.use for rule in rules):
            raise unknown(f"{place}.{name}", profile)
        if not (math.isfinite(weight) and weight >= 0):
            raise BadRequest(f"The weight of {name} has to be 0 or more, not {weight:g}.", param=name)
    return weights


def numbered(route: str, number: str, rules: Sequence[Rule]) -> Rule:
    """A rule by its number, as `idetour route explain` tells it. Raises BadRequest."""
    if number.isascii() and number.isdecimal() and 0 < int(number[:9]) <= len(rules):
        return rules[int(number[:9]) - 1]
    there = f"It has {len(rules)}, counted from 1" if rules else "The profile has no such route"
    raise BadRequest(
        f"Route {route[:LONGEST]} has no rule {number[:LONGEST]!r}. {there}.",
        param=f"{route[:LONGEST]}.{number[:LONGEST]}",
    )


def unknown(said: str, profile: Profile) -> BadRequest:
    names = {route: {name for rule in rules for name in rule.use} for route, rules in profile.routes.items()}
    known = "; ".join(f"{route}: {', '.join(sorted(chosen))}" for route, chosen in names.items())
    there = f"They choose, {known}" if known else "The profile has no `routes:` that choose"
    return BadRequest(
        f"No route chooses {said[:LONGEST]!r} by weight. {there}.",
        param=said[:LONGEST],
    )


def check(profile: Profile, route: str, of: Of) -> None:
    """Raises BadRequest where a rule would have nobody left to choose."""
    for rule in profile.routes[route]:
        if not any(over(rule, of).values()):
            raise BadRequest(
                f"Route {route} would choose nobody: the weights of {', '.join(rule.use)} would all be 0.",
                param=route,
            )


def saved(folder: Path, profile: Profile) -> Stated:
    """What was kept for this profile; nothing where the file is missing or broken."""
    return _all(folder).get(_key(profile), {})


def save(folder: Path, profile: Profile, stated: Stated) -> None:
    """Other profiles' weights stay as they are, also when two idetours write at once. Raises OSError."""
    with disk.locked(folder):
        kept = {key: value for key, value in {**_all(folder), _key(profile): stated}.items() if value}
        disk.replace(folder / FILE, msgspec.json.format(msgspec.json.encode(kept)))


def _key(profile: Profile) -> str:
    return str(profile.path.absolute())


def _all(folder: Path) -> dict[str, Stated]:
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, Stated])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read, so the profile's own weights hold: %s", folder / FILE, error)
        return {}
