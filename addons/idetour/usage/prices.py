"""What a request cost. A price that nobody knows is None, never 0; what is free has no currency.

What the upstream itself reports wins (OpenRouter). Else the price of the
target counts, by the tier that the prompt falls into: the whole request is
billed at it, as the vendors with tiers do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from idetour.profile.prices import Price, Tier
from idetour.wire.usage import Usage

MILLION = 1_000_000
REPORTED = "USD"  # the currency of `usage.cost`
NO_CURRENCY = ""  # of what is free: it is not to be added to anybody's dollars


class Cost(NamedTuple):
    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by target, as `upstream/model-id`."""

    known: Mapping[str, Price] = field(default_factory=lambda: MappingProxyType({}))

    def cost(self, target: str | None, usage: Usage | None) -> Cost | None:
        """None where nobody answered, nobody counted, or nobody knows the price."""
        if usage is None or target is None:
            return None
        if usage.cost is not None:
            return Cost(usage.cost, REPORTED)
        price = self.known.get(target)
        found = tier(price, usage.prompt) if price else None
        if price is None or found is None:
            return None
        amount = of(usage, found)
        return Cost(amount, price.currency if amount else NO_CURRENCY)


def tier(price: Price, prompt: int) -> Tier | None:
    """The first that takes a prompt of so many tokens; None where it is longer than any price is known for."""
    return next((each for each in price.tiers if each.up_to is None or prompt <= each.up_to), None)


def of(usage: Usage, tier: Tier) -> float:
    """Cached tokens cost what ordinary ones do where no other price is known."""
    cached = min(usage.cached, usage.prompt)
    written = min(usage.written, usage.prompt - cached)
    parts = (
        (usage.prompt - cached - written, tier.input),
        (cached, tier.input if tier.cached is None else tier.cached),
        (written, tier.input if tier.written is None else tier.written),
        (usage.completion, tier.output),
    )
    return sum(tokens * price for tokens, price in parts) / MILLION
