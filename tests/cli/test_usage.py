"""`idetour usage`: tables, JSON and CSV of what was asked, with and without an idetour that runs."""

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from cli.printed import lines
from idetour.cli.usage import money
from idetour.home import folder
from idetour.usage.store import FILE, Store
from usage.rows import NOW, entry

type Idetour = Callable[..., Result]
OLD = NOW - 400 * 86400  # sums by the day are still kept, single requests no more


@pytest.fixture
def used(home: Path) -> None:
    store = Store(folder("state") / FILE)
    for each in (
        entry(asked="gpt-4o", tries=2),
        entry(asked="gpt-4o", cost=3.2, currency="CNY"),
        entry(asked="coder", cost=None, currency=None, counted="estimate"),
        entry(asked="coder", outcome="failed", target=None, tokens=None, cost=None, currency=None),
        entry(asked="old", began=OLD),
    ):
        store.add(each)
    store.close()


def test_each_group_and_the_whole_have_a_line(idetour: Idetour, used: None) -> None:
    said = lines(idetour("usage"))

    assert said[0].startswith("model requests failed rescued tokens in cached out cost")
    assert any(line.startswith("gpt-4o 2 1 200 40% 40 3.20 CNY + 0.0010 USD 539 ms") for line in said)
    assert any(line.startswith("coder 2 1 100 40% 20 –") for line in said)
    assert any(line.startswith("all 4 1 1 300 ") for line in said)
    assert "old" not in " ".join(said)


def test_what_is_not_known_or_guessed_is_said(idetour: Idetour, used: None) -> None:
    said = " ".join(lines(idetour("usage")))

    assert "The price of 1 of these requests is not known." in said
    assert "the client left before: 1 of these requests." in said


@pytest.mark.parametrize(("by", "first"), [("target", "up/model"), ("client", "Trae"), ("outcome", "ok")])
def test_it_is_summed_up_by_what_one_likes(idetour: Idetour, used: None, by: str, first: str) -> None:
    assert lines(idetour("usage", "--by", by))[1].startswith(first)


def test_a_program_gets_json_and_a_table_csv(idetour: Idetour, used: None) -> None:
    said = json.loads(idetour("usage", "--json", "--since", "1h").stdout)
    rows = [*csv.DictReader(io.StringIO(idetour("usage", "--csv").stdout))]

    assert [(each["name"], each["requests"]) for each in said["groups"]] == [("coder", 2), ("gpt-4o", 2)]
    assert [(row["model"], row["requests"], row["cost"], row["currency"]) for row in rows] == [
        ("coder", "2", "", ""),
        ("gpt-4o", "2", "3.2", "CNY"),
        ("gpt-4o", "", "0.001", "USD"),
    ]


def test_a_long_span_has_all_of_it_by_day(idetour: Idetour, used: None) -> None:
    said = lines(idetour("usage", "--since", "500d", "--by", "day"))

    assert said[1].startswith(time.strftime("%Y-%m-%d 1", time.gmtime(OLD)))


def test_an_empty_span_and_an_empty_home_are_told(idetour: Idetour, home: Path) -> None:
    result = idetour("usage")
    assert (result.exit_code, "Nothing was asked yet" in result.stderr) == (1, True)
    Store(folder("state") / FILE).close()
    store = Store(folder("state") / FILE)
    store.add(entry(began=1_700_000_000))
    store.close()
    assert lines(idetour("usage")) == ["Nothing was asked since 7d. Ask for a longer span with --since."]


@pytest.mark.parametrize(
    "words", [("--since", "x"), ("--since", "1h", "--until", "2h"), ("--json", "--csv"), ("--by", "colour")]
)
def test_what_cannot_be_meant_is_refused(idetour: Idetour, used: None, words: tuple[str, ...]) -> None:
    assert idetour("usage", *words).exit_code == 2


def test_money_says_its_currency_and_nothing_where_nothing_is_known() -> None:
    assert money({}) == "–"
    assert money({"": 0.0}) == "free"
    assert money({"": 0.0, "USD": 2.0}) == "2.00 USD"
    assert money({"USD": 0.00042, "CNY": 12.3456}) == "0.0004 USD + 12.35 CNY"
