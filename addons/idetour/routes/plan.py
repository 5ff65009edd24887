"""Turn an asked name into candidates, in the order in which they are tried.

A name is, in this order: a route; a model; `upstream/model-id`; a model id that
the catalog or an upstream's own list knows; the route called `default`. Else it
is refused with the nearest names: never a silent substitute.
"""

import difflib
import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from idetour.errors import NotFound, RequestError
from idetour.profile import KnownModel, Model, Profile, Target, Upstream
from idetour.routes import weights

CUSTOM_PREFIX = re.compile(r"^custom[\w-]*//")  # some IDEs put `custom_openai_compatible//` before the id
LONGEST_NAME = 100  # characters of an unknown name that are looked at and repeated

type Listed = Mapping[str, Collection[str]]  # upstream name → model ids that its own list has
NO_LISTS: Listed = MappingProxyType({})
type Uniform = Callable[[str], float]  # a number in [0, 1) for a name


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
    profile: Profile,
    asked: str,
    *,
    listed: Listed = NO_LISTS,
    uniform: Uniform = lambda _: random.random(),
    rule: int | None = None,
) -> Plan:
    """Who answers for `asked`, by this rule of its route (None: the first without conditions).

    Raises NotFound (`model_not_found`) for a name nobody knows, RequestError (`switched_off`) where
    all that it leads to is switched off.
    """
    why, names = resolve(profile, asked, listed, uniform, rule)
    found: dict[Target, Candidate] = {}
    for name in names:
        if candidate := named(profile, name, listed):
            found.setdefault(candidate.target, candidate)
    if not found:
        raise unknown(profile, asked, listed)
    if not (on := [each for each in found.values() if each.target not in profile.off]):
        raise switched_off(asked, found)
    return Plan(asked=asked, why=why, candidates=tuple(on))


def resolve(
    profile: Profile, asked: str, listed: Listed, uniform: Uniform, place: int | None
) -> tuple[str, Iterable[str]]:
    """Which names to try, and by which rule of the profile."""
    route = route_of(profile, asked, listed)
    if route is None:
        name = bare(asked)
        return f"model {name}", [name] if named(profile, name, listed) else []
    why = f"route {route}" if route == bare(asked) else "default route"
    rules = profile.routes[route]
    if place is None:
        place = next((at for at, rule in enumerate(rules) if not rule.when), None)
    if place is None:
        return why, []
    if any(rule.when for rule in rules):
        why += f", rule {place + 1}"
    return why, [*weights.order(rules[place].use, uniform), *rules[place].otherwise]


def route_of(profile: Profile, asked: str, listed: Listed = NO_LISTS) -> str | None:
    """The route that decides about a name: its own, or `default` where nothing else knows it."""
    name = bare(asked)
    if name in profile.routes:
        return name
    return "default" if "default" in profile.routes and not named(profile, name, listed) else None


def answers(profile: Profile, asked: str, listed: Listed = NO_LISTS) -> bool:
    """Whether somebody here answers for a name; of a route, whether one of its rules may lead somewhere."""
    if route := route_of(profile, asked, listed):
        names = (name for rule in profile.routes[route] for name in (*rule.use, *rule.otherwise))
        return any(named(profile, name, listed) for name in names)
    return named(profile, bare(asked), listed) is not None


def bare(asked: str) -> str:
    """A name without what IDEs put before it."""
    return CUSTOM_PREFIX.sub("", asked.strip())


def named(profile: Profile, name: str, listed: Listed = NO_LISTS) -> Candidate | None:
    """The candidate that a model's name, a target or a bare model id stands for."""
    model = profile.models.get(name)
    target = model.target if model else target_of(profile, name, listed)
    if target is None:
        return None
    return Candidate(
        target=target, upstream=profile.upstreams[target.upstream], model=model, known=profile.known(target)
    )


def target_of(profile: Profile, name: str, listed: Listed) -> Target | None:
    """`upstream/model-id`, or a model id on its own.

    `qwen/qwen3-coder-480b` could be both: the upstream `qwen`, or an id with a slash in it.
    What somebody knows wins over what merely looks like a target, unless only the
    upstream that it looks like can be asked.
    """
    literal, by_id = literally(profile, name), knower(profile, name, listed)
    if literal is None or by_id is None:
        return literal or by_id
    if profile.known(literal) or literal.model in listed.get(literal.upstream, ()):
        return literal
    upstreams = profile.upstreams
    return literal if upstreams[literal.upstream].ready > upstreams[by_id.upstream].ready else by_id


def literally(profile: Profile, name: str) -> Target | None:
    try:
        target = Target.parse(name)
    except ValueError:
        return None
    return target if target.upstream in profile.upstreams else None


def knower(profile: Profile, model_id: str, listed: Listed) -> Target | None:
    """The best upstream that knows the model id: ready before not, alive before retired."""

    def standing(target: Target) -> tuple[bool, bool]:
        known = profile.known(target)
        return not profile.upstreams[target.upstream].ready, bool(known and known.retired)

    lists = (Target(upstream, model_id) for upstream, ids in listed.items() if model_id in ids)
    catalog = (target for target in profile.catalog.models if target.model == model_id)
    found = (target for target in (*lists, *catalog) if target.upstream in profile.upstreams)
    return min(found, key=standing, default=None)


def offered(profile: Profile, listed: Listed = NO_LISTS) -> dict[str, Target | None]:
    """The names a model list shows, with their targets (None: a route)."""
    names: dict[str, Target | None] = dict.fromkeys(profile.routes)
    names |= {name: model.target for name, model in profile.models.items()}
    if profile.offer == "declared":
        return names
    known = [target for target, known in profile.catalog.models.items() if not known.retired]
    lists = [Target(upstream, each) for upstream, ids in listed.items() for each in ids]
    local = {upstream.name for upstream in profile.upstreams.values() if upstream.local}
    for target in (*(target for target in known if target.upstream not in local), *lists):
        if target.upstream in profile.upstreams and profile.upstreams[target.upstream].ready:
            names.setdefault(str(target), target)
    return names


def leads(profile: Profile, name: str) -> Iterator[Target]:
    """All targets that a name may lead to, in order."""
    rules = profile.routes.get(name)
    names = [each for rule in rules for each in (*rule.use, *rule.otherwise)] if rules else [name]
    return (found.target for each in names if (found := named(profile, each)))


def first_choice(profile: Profile) -> str:
    """The name to show or try: the first that can answer now as far as keys go, a real model before the demo."""
    able = (name for name in offered(profile) if not name.startswith("demo/"))
    return next((name for name in able if ready(profile, name)), "demo/hello")


def ready(profile: Profile, name: str) -> bool:
    """Whether somebody can answer for a name right now, as far as keys go."""
    return any(profile.upstreams[target.upstream].ready for target in leads(profile, name))


def switched_off(asked: str, targets: Iterable[Target]) -> RequestError:
    return RequestError(
        f"{asked[:LONGEST_NAME]} leads to {', '.join(map(str, targets))} alone, and that is switched off. "
        "Switch it on under Models on the dashboard.",
        status=503,
        code="switched_off",
    )


def unknown(profile: Profile, asked: str, listed: Listed) -> NotFound:
    """404 with the three nearest names, whatever their case."""
    asked = asked[:LONGEST_NAME]
    names = list(offered(profile, listed)) or [str(target) for target in profile.catalog.models]
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(asked.casefold(), folded, n=3, cutoff=0.3)
    nearest = [folded[each] for each in near] or names[:3]
    return NotFound(
        f"No model is called {asked!r} here. Nearest: {', '.join(nearest)}. GET /v1/models lists all.",
        code="model_not_found",
        param="model",
    )
