"""Turn an asked name into candidates, in the order in which they are tried.

A name is, in this order: a route; a model; `upstream/model-id`; a model id that
the catalog or an upstream's own list knows; the route called `default`. Else it
is refused with the nearest names: never a silent substitute.
"""

import difflib
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from idetour.errors import NotFound
from idetour.profile import KnownModel, Model, Profile, Rule, Target, Upstream
from idetour.routes import weights

MOST_CANDIDATES = 5  # more would only prolong a failure that is everywhere
CUSTOM_PREFIX = re.compile(r"^custom[\w-]*//")  # some IDEs put `custom_openai_compatible//` before the id

type Listed = Mapping[str, Collection[str]]  # upstream name → model ids that its own list has


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One target that may answer, with everything needed to ask it."""

    target: Target
    upstream: Upstream
    model: Model | None = None  # the profile's model by which it was named
    known: KnownModel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    asked: str
    why: str  # for people: "route gpt-4o", "model coder", "default route"
    candidates: tuple[Candidate, ...]


def plan(
    profile: Profile, asked: str, *, listed: Listed = {}, random: Callable[[str], float] = lambda _: random.random()
) -> Plan:
    """Who answers for `asked`. Raises NotFound (`model_not_found`) for a name nobody knows."""
    name = CUSTOM_PREFIX.sub("", asked.strip())
    why, names = resolve(profile, name, listed, random)
    candidates: dict[Target, Candidate] = {}
    for each in names:
        candidate = named(profile, each, listed)
        if candidate is not None:
            candidates.setdefault(candidate.target, candidate)
    if not candidates:
        raise unknown(profile, asked, listed)
    return Plan(asked=asked, why=why, candidates=tuple(candidates.values())[:MOST_CANDIDATES])


def resolve(
    profile: Profile, name: str, listed: Listed, random: Callable[[str], float]
) -> tuple[str, Iterator[str] | list[str]]:
    """Which names to try for `name`, and by which rule of the profile."""
    if rules := profile.routes.get(name):
        return f"route {name}", follow(rules, random)
    if named(profile, name, listed) is not None:
        return f"model {name}", [name]
    if rules := profile.routes.get("default"):
        return "default route", follow(rules, random)
    return "", []


def follow(rules: tuple[Rule, ...], random: Callable[[str], float]) -> Iterator[str]:
    """The names of the first rule that matches, in order."""
    for rule in rules:
        if rule.when is None:
            yield from weights.order(rule.use, random)
            yield from rule.otherwise
            return


def named(profile: Profile, name: str, listed: Listed) -> Candidate | None:
    """The candidate that a model's name, a target or a bare model id stands for."""
    if model := profile.models.get(name):
        return candidate_of(profile, model.target, model)
    target = target_of(profile, name, listed)
    return target and candidate_of(profile, target)


def target_of(profile: Profile, name: str, listed: Listed) -> Target | None:
    """`upstream/model-id`, or a model id on its own.

    `qwen/qwen3-coder-480b` could be both: the upstream `qwen`, or an id with a slash in it.
    What somebody knows wins over what merely looks like a target.
    """
    literal = target_in(profile, name)
    if literal and (profile.known(literal) or literal.model in listed.get(literal.upstream, ())):
        return literal
    return by_id(profile, name, listed) or literal


def target_in(profile: Profile, name: str) -> Target | None:
    try:
        target = Target.parse(name)
    except ValueError:
        return None
    return target if target.upstream in profile.upstreams else None


def by_id(profile: Profile, name: str, listed: Listed) -> Target | None:
    """The best upstream that knows the model id: ready before not, alive before retired."""
    lists = (Target(upstream, name) for upstream, ids in listed.items() if name in ids)
    catalog = (target for target in profile.catalog.models if target.model == name)
    found = [target for target in (*lists, *catalog) if target.upstream in profile.upstreams]
    return min(found, key=lambda target: standing(profile, target), default=None)


def standing(profile: Profile, target: Target) -> tuple[bool, bool]:
    known = profile.known(target)
    return (not profile.upstreams[target.upstream].ready, bool(known and known.retired))


def candidate_of(profile: Profile, target: Target, model: Model | None = None) -> Candidate:
    return Candidate(
        target=target, upstream=profile.upstreams[target.upstream], model=model, known=profile.known(target)
    )


def offered(profile: Profile, listed: Listed = {}) -> dict[str, Target | None]:
    """The names a model list shows, with their targets (None: a route)."""
    names: dict[str, Target | None] = {name: None for name in profile.routes}
    names |= {name: model.target for name, model in profile.models.items()}
    if profile.offer == "available":
        for target, known in profile.catalog.models.items():
            if profile.upstreams[target.upstream].ready and not known.retired and not profile.upstreams[target.upstream].local:
                names.setdefault(str(target), target)
        for upstream, ids in listed.items():
            names |= {f"{upstream}/{each}": Target(upstream, each) for each in ids}
    return names


def unknown(profile: Profile, asked: str, listed: Listed) -> NotFound:
    """404 with the three nearest names."""
    names = list(offered(profile, listed)) or [str(target) for target in profile.catalog.models]
    near = difflib.get_close_matches(asked, names, n=3, cutoff=0.3) or names[:3]
    return NotFound(
        f"No model is called {asked!r} here. Nearest: {', '.join(near)}. GET /v1/models lists all.",
        code="model_not_found",
        param="model",
    )


def without_key(candidate: Candidate, key: str | None) -> bool:
    """Whether the upstream cannot be asked for want of a key."""
    return not candidate.upstream.ready or (candidate.upstream.client_key and not key)


__all__ = ["Candidate", "Listed", "Plan", "offered", "plan", "replace", "without_key"]
