"""Which rule of a route holds, decided when the user speaks and kept while the model works.

An agent's question is followed by dozens of requests that bring it the results
of its tools. They go where the question went: another model would have to read
everything anew, without its cache. Only sizes are measured each time, because a
conversation grows while the model works, and a window does not.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import random

from idetour.errors import NotFound
from idetour.profile import Fields, Profile, Rule, Target, Upstream
from idetour.routes import minilm
from idetour.routes.asked import Asked
from idetour.routes.guess import Method
from idetour.routes.lexical import Lexical
from idetour.routes.meaning import Meaning, Vector
from idetour.routes.plan import NO_LISTS, Listed, Plan, Uniform, plan, route_of
from idetour.routes.recent import Recent
from idetour.routes.words import SIZES, holds

MOST, DAY = 2_000, 24 * 3600.0  # turns that are remembered, and seconds

type Turn = tuple[str, str, bool, str]  # session, newest text, whether tools may be called, route
type Embed = Callable[[Upstream, str, Sequence[str]], Awaitable[Sequence[Vector]]]  # model, texts


@dataclass(slots=True)
class Decided:
    """Which rules held when the user spoke, as far as it was looked at."""

    conditions: tuple[Fields | None, ...]
    held: dict[int, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Router:
    """`embed` asks an upstream's embeddings model; without it, `about` has its own ways only."""

    embed: Embed | None = None
    instead: str = ""  # the name that is looked up whatever is asked, while there is one
    _decided: Recent[Turn, Decided] = field(default_factory=lambda: Recent(MOST, DAY))
    _methods: tuple[Method, ...] = ()
    _made_for: tuple[Target, Upstream] | None = None

    async def plan(
        self,
        profile: Profile,
        asked: Asked,
        *,
        listed: Listed = NO_LISTS,
        uniform: Uniform = lambda _: random(),
    ) -> Plan:
        """Who answers. Raises NotFound, also where no rule holds, and BadRequest where messages cannot be read."""
        name = self.instead or asked.request.model
        route = route_of(profile, name, listed)
        rule = await self.rule(profile, route, asked) if route else None
        return plan(profile, name, listed=listed, uniform=uniform, rule=rule)

    async def rule(self, profile: Profile, route: str, asked: Asked) -> int:
        """The place of the first rule that holds. Raises NotFound where none does."""
        rules = profile.routes[route]
        if not rules[0].when:
            return 0  # and no request is looked at for it
        decided, methods = self._recall(route, rules, asked), self.methods(profile)
        for place, rule in enumerate(rules):
            when = rule.when or {}
            if not await holds({word: when[word] for word in when.keys() & SIZES}, asked, ()):
                continue
            if place not in decided.held:
                decided.held[place] = await holds(when, asked, methods)
            if decided.held[place]:
                return place
        raise NotFound(
            f"No rule of the route {route!r} holds for this request. Give the route a last rule without `when`.",
            code="model_not_found",
            param="model",
        )

    def _recall(self, route: str, rules: tuple[Rule, ...], asked: Asked) -> Decided:
        """What was decided when the user spoke; nothing yet, if this is when."""
        turn = (asked.session.key, asked.text, bool(asked.tools), route)
        decided = self._decided.get(turn) if asked.follows else None
        conditions = tuple(rule.when for rule in rules)
        if decided is None or decided.conditions != conditions:  # the profile was changed meanwhile
            decided = Decided(conditions)
            self._decided.put(turn, decided)
        return decided

    def methods(self, profile: Profile) -> tuple[Method, ...]:
        """How `about` may tell what is wanted, the user's own model first and the words last."""
        target = profile.embeddings
        wanted = (target, profile.upstreams[target.upstream]) if target and self.embed else None
        if not self._methods or wanted != self._made_for:
            self._methods, self._made_for = tuple(self._make(wanted)), wanted
        return self._methods

    def _make(self, wanted: tuple[Target, Upstream] | None) -> Iterator[Method]:
        if wanted and (embed := self.embed):
            target, upstream = wanted
            yield Meaning(str(target), lambda texts: embed(upstream, target.model, texts))
        if minilm.installed():
            yield Meaning("MiniLM", minilm.embed, english=True)
        yield Lexical()
