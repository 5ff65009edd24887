"""By words alone. How well on the whole is measured on `asks.tsv`, on the half that nothing was tuned to."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.routes import says
from idetour.routes.lexical import BUCKETS, Lexical, hashed, scores, similar, vector
from routes.asked_for import KEYWORDS, accuracy, held_out


def words(text: str) -> str | None:
    return asyncio.run(Lexical().guess(text, {})).label


def keywords(text: str) -> str | None:
    """What people write who have only `says`: the first rule that matches."""
    return next(
        (label for label, said in KEYWORDS.items() if any(says.find(each, text) for each in said)), None
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_with_weights_beat_lists_of_keywords(language: str) -> None:
    asked = held_out(language)

    assert len(asked) >= 40
    assert accuracy(words, asked) > accuracy(keywords, asked)
    assert accuracy(words, asked) >= 0.8


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("fix the KeyError in load()", "debug"),
        ("ERR_CONNECTION_REFUSED, why?", "debug"),
        ("请帮我重构一下订单模块，逻辑太乱了", "refactor"),
        ("把注释翻译成英文", "translate"),
        ("port it to c++", "translate"),
        ("qwertz", None),
        ("……", None),
        ("", None),
    ],
)
def test_a_text_without_words_of_any_label_is_declined(text: str, label: str | None) -> None:
    assert words(text) == label


def test_a_compound_name_is_taken_apart() -> None:
    assert scores("getUserError")["debug"] > 0
    assert scores("terror")["debug"] == 0


def test_each_word_counts_once() -> None:
    assert scores("bug bug bug") == scores("bug")


OWN = {
    "sql": ["write a query that joins two tables", "写一条查询语句"],
    "deploy": ["ship it to production", "发布到线上"],
}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a query that joins users and orders", "sql"),
        ("帮我写一条查询", "sql"),
        ("ship this to production", "deploy"),
        ("马上发布到线上环境", "deploy"),
        ("Hello!", "chat"),
        ("qwertz", None),
    ],
)
def test_labels_of_ones_own_are_told_by_likeness(text: str, label: str | None) -> None:
    assert asyncio.run(Lexical().guess(text, OWN)).label == label


@given(st.text(max_size=200))
def test_any_text_is_like_itself(text: str) -> None:
    assert not vector(text) or similar(vector(text), vector(text)) == pytest.approx(1)


def test_hashes_are_the_same_on_every_machine() -> None:
    assert hashed("a") == 0xE40C292C % BUCKETS  # FNV-1a of "a", as its authors publish it
    assert hashed("重构") == 49116
