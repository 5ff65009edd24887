"""The shipped prices, one's own over them, and mistakes in those."""

from pathlib import Path

import pytest

from idetour.home import shipped
from idetour.profile import Target
from idetour.profile.catalog import load as catalog
from idetour.profile.prices import FILE, load, read

OWN = "prices: [{upstream: [nim, up], currency: EUR, source: me, models: {a/b: {input: 1, output: 2}}}]"


def test_the_shipped_prices_are_of_known_models_and_say_where_they_are_from() -> None:
    known, problem = load()

    assert problem is None
    assert known["dashscope/qwen3-coder-plus"].tiers[1].output == 24
    assert {name for name, price in known.items() if not price.source} == set()
    assert {name for name in known if Target.parse(name) not in catalog().models} == set()


def test_nothing_but_our_own_scripts_is_shipped_as_free() -> None:
    free = {
        name.partition("/")[0]
        for name, price in load()[0].items()
        for tier in price.tiers
        if not (tier.input and tier.output)
    }

    assert free == {"demo"}


def test_ones_own_prices_win(home: Path) -> None:
    home.mkdir()
    (home / FILE).write_text(OWN.replace("a/b", "qwen3-coder-plus").replace("[nim, up]", "dashscope"))
    known, problem = load()

    assert (problem, known["dashscope/qwen3-coder-plus"].currency) == (None, "EUR")
    assert "anthropic/claude-opus-4-5" in known


def test_several_upstreams_share_a_list(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(OWN)

    assert read(path).keys() == {"nim/a/b", "up/a/b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices: [", "cannot be read"),
        ("prices: 3", "prices"),
        (OWN.replace("EUR", "euro"), "currency"),
        (OWN.replace("input: 1", "input: -1"), "input"),
        (OWN.replace("input: 1, ", ""), "input"),
        (OWN.replace("output", "ouput"), "ouput"),
        (OWN.replace("{input: 1, output: 2}", "[]"), "tiers of a/b have to rise"),
        (
            OWN.replace("{input: 1, output: 2}", "[{input: 1, output: 2}, {up_to: 5, input: 1, output: 2}]"),
            "rise",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_leaves_the_shipped_ones(
    home: Path, text: str, said: str
) -> None:
    home.mkdir()
    (home / FILE).write_text(text)
    known, problem = load()

    assert problem
    assert str(home / FILE) in problem
    assert said in problem
    assert known == read(shipped("profiles") / FILE)
