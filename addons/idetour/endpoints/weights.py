"""Weights that were set while idetour runs: they win over the profile's until they are taken back.

They are state, not configuration: the profile's file is never written. In a
folder they survive a restart, each profile's under the path of its file.
"""

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from idetour import disk
from idetour.endpoints.switches import Switches
from idetour.errors import BadRequest, RequestError
from idetour.profile import Profile, Rule, Target
from idetour.profile.watch import Watched

log = logging.getLogger("idetour")

FILE = "weights.json"
LONGEST = 100  # characters of an unknown name that are repeated

type Stated = dict[str, dict[str, float]]  # route → name → weight
type Differences = dict[str, dict[str, dict[str, float]]]  # route → name → {"was": weight, "now": weight}


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
            merged = self._stated | {
                route: {**self._stated.get(route, {}), **weights} for route, weights in stated.items()
            }
            for route in stated:
                check(profile, route, merged[route])
            return await self._take(merged)

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

    def weighted(rule: Rule, weights: Mapping[str, float]) -> Rule:
        use = over(rule, weights)
        return replace(rule, use=use) if any(use.values()) else rule

    routes = {
        name: tuple(weighted(rule, stated.get(name, {})) for rule in rules)
        for name, rules in profile.routes.items()
    }
    return replace(profile, routes=routes)


def over(rule: Rule, weights: Mapping[str, float]) -> dict[str, float]:
    return {name: weights.get(name, weight) for name, weight in rule.use.items()}


def differences(before: Profile, after: Profile) -> Differences:
    """The weights that are not the same in two versions of one profile."""
    found: Differences = {}
    for route, rules in before.routes.items():
        for was, now in zip(rules, after.routes.get(route, ()), strict=False):
            for name in was.use.keys() & now.use.keys():
                if was.use[name] != now.use[name]:
                    found.setdefault(route, {})[name] = {"was": was.use[name], "now": now.use[name]}
    return found


def read(body: bytes, profile: Profile) -> Stated:
    """`{name: weight}`, for every route that chooses the name, or `{route: {name: weight}}`. Raises BadRequest."""
    try:
        said = msgspec.json.decode(body, type=dict[str, float | dict[str, float]])
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"Weights are {{name: number}} or {{route: {{name: number}}}}: {error}.") from None
    names = {route: {name for rule in rules for name in rule.use} for route, rules in profile.routes.items()}
    stated: Stated = {}
    for key, value in said.items():
        weights = value if isinstance(value, dict) else {key: value}
        routes = [key] if isinstance(value, dict) else [route for route in names if key in names[route]]
        for name, weight in weights.items():
            if not any(name in names.get(route, ()) for route in routes):
                raise unknown(f"{key}.{name}" if isinstance(value, dict) else name, names)
            if not (math.isfinite(weight) and weight >= 0):
                raise BadRequest(f"The weight of {name} has to be 0 or more, not {weight:g}.", param=name)
            for route in routes:
                stated.setdefault(route, {})[name] = weight
    if not stated:
        raise BadRequest("No weight is named: send {name: number} or {route: {name: number}}.")
    return stated


def unknown(said: str, names: Mapping[str, Iterable[str]]) -> BadRequest:
    known = "; ".join(f"{route}: {', '.join(sorted(chosen))}" for route, chosen in names.items())
    there = f"They choose, {known}" if known else "The profile has no `routes:` that choose"
    return BadRequest(
        f"No route chooses {said[:LONGEST]!r} by weight. {there}.",
        param=said[:LONGEST],
    )


def check(profile: Profile, route: str, weights: Mapping[str, float]) -> None:
    """Raises BadRequest where a rule would have nobody left to choose."""
    for rule in profile.routes[route]:
        if not any(over(rule, weights).values()):
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
