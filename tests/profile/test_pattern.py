"""Patterns that cannot hang."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.profile import pattern

LETTERS = st.sampled_from("ab")
PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "\\w"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{1,3}", "*?"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("fix(es|ed)?", 20_000),
        ("^please", 20_000),
        ("(?:foo|bar){1,3}", 20_000),
        ("重构.*测试", 1_000),
        ("[a-z]+Error", 1_000),
        ("fix.*in.*tests", 100),
    ],
)
def test_what_may_be_slow_sees_shorter_pieces(text: str, piece: int) -> None:
    assert pattern.read(text).piece == piece


@pytest.mark.parametrize(
    "text",
    ["(a+)+b", "(a|aa)+b", "(a?)*b", ".*a.*b.*c.*d", "a?" * 40 + "a" * 40, r"(\w+) \1", "(?:x*y?){3,}z"],
)
def test_what_has_ways_without_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="can match in too many ways"):
        pattern.read(text)


@pytest.mark.parametrize("text", ["(", "[a", "*", "(?P<x", "a{99999999999999999999}", "a" * 201])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is (not a regular expression|longer than 200 characters)"):
        pattern.read(text)


@pytest.mark.parametrize("text", ["a*", "", "(fix)?", "^$"])
def test_what_matches_nothing_said_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="and so everywhere"):
        pattern.read(text)


def test_a_match_is_found_in_any_line_and_whatever_its_case() -> None:
    assert pattern.read("error.*line").search("ok\nan ERROR in line 3") == "ERROR in line"


def test_a_match_lies_within_one_line() -> None:
    assert pattern.read("a.*b").search("a\nb") is None


def test_a_text_that_costs_too_much_is_given_up() -> None:
    assert pattern.read("a.*b.*c").search("ab" * 10_000 + "\nabc") is None
    assert pattern.read("a.*b.*c").search("x\n" * 500 + "abc") == "abc"


@given(PATTERNS, st.text(LETTERS, max_size=30))
def test_within_its_piece_a_pattern_finds_what_re_finds(text: str, line: str) -> None:
    try:
        read = pattern.read(text)
    except ValueError:
        return
    found = re.search(text, line)

    assert read.search(line) == (found[0] if found else None)
