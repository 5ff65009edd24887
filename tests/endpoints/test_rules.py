"""Rules that came with a request: what they mean, and how little they may cost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from idetour.endpoints import rules
from idetour.endpoints.rules import read_rules, routed
from idetour.errors import BadRequest

PADDING = "字" * 5000


def model(text: str, *patterns: str) -> str | None:
    said = [{"pattern": pattern, "model": str(place)} for place, pattern in enumerate(patterns)]
    return routed(read_rules(Raw(json.dumps(said).encode())), text)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("代码", "请看这段代码。", True),
        ("代码", "你好，请简单介绍一下自己", False),
        ("debug", "Please DEBUG this", True),
        ("a.c", "abc", False),
        ("a.c", "see a.c", True),
        ("(", "f(x)", True),
        ("/a.c/", "abc", True),
        ("/^fix\\b/", "Fix it", True),
        ("/^fix\\b/", "prefix it", False),
        ("/", "a/b", True),
        ("//", "a // b", True),
    ],
)
def test_a_pattern_is_a_text_unless_it_stands_between_slashes(pattern: str, text: str, fits: bool) -> None:
    assert model(text, pattern) == ("0" if fits else None)


def test_the_first_rule_that_fits_decides() -> None:
    assert model("explain this code", "nothing", "code", "explain") == "1"


def test_a_text_is_found_anywhere_and_a_regular_expression_at_both_ends() -> None:
    middle = f"{PADDING}needle{PADDING}"

    assert model(middle, "needle") == "0"
    assert model(middle, "/needle/") is None
    assert model(f"{'x' * 247}needle{'x' * 247}", "/needle/") == "0"
    assert model(f"needle{PADDING}", "/needle/") == model(f"{PADDING}needle", "/needle/") == "0"


@pytest.mark.parametrize(
    "said",
    [
        *(None, "x", 1, {}, [1], [None], [{}], [{"pattern": "x"}], [{"model": "m"}]),
        *([{"pattern": 1, "model": "m"}], [{"pattern": "x", "model": None}], [{"pattern": "x", "model": ""}]),
        *([{"pattern": "", "model": "m"}], [{"pattern": "  ", "model": "m"}]),
        [{"pattern": "x" * (rules.LONGEST + 1), "model": "m"}],
        [{"pattern": "x", "model": "m" * 301}],
        [{"pattern": "x", "model": "m"}] * (rules.MOST_RULES + 1),
        [{"pattern": "/(/", "model": "m"}],
        [{"pattern": "/(a)\\1/", "model": "m"}],
    ],
)
def test_what_is_no_list_of_rules_is_refused_by_name(said: object) -> None:
    with pytest.raises(BadRequest) as caught:
        read_rules(Raw(json.dumps(said).encode()))
    assert str(caught.value.param).startswith("routing_rules")
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "pattern",
    ["/(a+)+b/", "/(a|a)*b/", "/(.*)*x/", "/.*.*.*.*.*x/", "/(a{1,1000}){1,1000}/", "/(?:a?){60}a{60}/"],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(BadRequest, match="too many ways"):
        model("a" * 100_000, pattern)


def test_patterns_are_refused_that_would_take_long_together() -> None:
    assert model("a", *["/x.*y/"] * 7) is None
    with pytest.raises(BadRequest, match="too many ways"):
        model("a", *["/x.*y/"] * 8)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=5)), max_size=5), st.text())
def test_whatever_is_sent_it_is_an_answer_or_a_bad_request(said: list[tuple[str, str]], text: str) -> None:
    listed = [{"pattern": pattern, "model": name} for pattern, name in said]
    try:
        found = routed(read_rules(Raw(json.dumps(listed).encode())), text)
    except BadRequest:
        return
    assert found is None or found in [name for _, name in said]
