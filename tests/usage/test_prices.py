"""What a request cost: by whose figures, in which tier; and unknown where nobody knows."""

from pathlib import Path
from types import MappingProxyType

import pytest

from idetour.profile.prices import Price, Tier, load
from idetour.upstreams.demo import MODELS
from idetour.usage.prices import Cost, Prices
from idetour.wire.usage import Usage

FLAT = Price(currency="USD", source="", tiers=(Tier(input=3, output=15, cached=0.3, written=3.75),))
TIERS = Price(
    currency="CNY",
    source="",
    tiers=(Tier(up_to=32_768, input=4, output=16), Tier(up_to=131_072, input=6, output=24)),
)
PRICES = Prices(MappingProxyType({"up/flat": FLAT, "up/tiers": TIERS}))


def test_input_cache_and_output_each_have_their_price() -> None:
    usage = Usage(prompt=1_000_000, completion=100_000, cached=600_000, written=100_000)
    cost = PRICES.cost("up/flat", usage)

    assert cost
    assert cost.amount == pytest.approx(0.9 + 0.18 + 0.375 + 1.5)
    assert cost.currency == "USD"


@pytest.mark.parametrize(("prompt", "expected"), [(32_768, 4), (32_769, 6), (131_072, 6)])
def test_the_whole_request_is_billed_by_the_tier_of_its_prompt(prompt: int, expected: float) -> None:
    cost = PRICES.cost("up/tiers", Usage(prompt=prompt))

    assert cost
    assert cost.amount == pytest.approx(prompt * expected / 1e6)
    assert cost.currency == "CNY"


def test_cached_tokens_cost_what_others_do_where_nothing_else_is_known() -> None:
    cost = PRICES.cost("up/tiers", Usage(prompt=1000, cached=900))

    assert cost
    assert cost.amount == pytest.approx(0.004)


@pytest.mark.parametrize(
    ("target", "usage"),
    [("up/unknown", Usage(9, 3)), ("up/tiers", Usage(131_073, 3)), ("up/flat", None), (None, Usage(9, 3))],
)
def test_what_nobody_knows_has_no_cost(target: str | None, usage: Usage | None) -> None:
    assert PRICES.cost(target, usage) is None


def test_what_is_free_costs_nothing_in_no_currency() -> None:
    free = Price(currency="USD", source="", tiers=(Tier(input=0, output=0),))

    assert Prices({"up/free": free}).cost("up/free", Usage(9, 3)) == Cost(0.0, "")


@pytest.mark.parametrize("model", MODELS)
def test_the_demo_is_free(model: str, home: Path) -> None:
    assert Prices(load()[0]).cost(f"demo/{model}", Usage(9, 3)) == Cost(0.0, "")


def test_what_the_upstream_says_that_it_took_wins_and_may_be_nothing() -> None:
    assert PRICES.cost("up/flat", Usage(9, 3, cost=0.000177)) == Cost(0.000177, "USD")
    assert PRICES.cost("up/unknown", Usage(9, 3, cost=0.0)) == Cost(0.0, "USD")
