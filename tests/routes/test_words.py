"""The list of words, and how they are judged together."""

import asyncio
from importlib import import_module
from typing import Any

import pytest

from idetour.profile.conditions import WORDS as TYPES
from idetour.routes import words
from idetour.routes.lexical import Lexical
from routes.asking import asks


def test_each_word_of_the_language_has_its_file_and_its_judge() -> None:
    assert set(words.ALL) == set(TYPES)
    assert all(hasattr(import_module(f"idetour.routes.{word}"), "judge") for word in words.ALL)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"says": ["fix"]}, True),
        ({"says": ["fix"], "tools": False}, True),
        ({"says": ["fix"], "tools": True}, False),
        ({"about": {"debug": []}, "says": ["fix"], "tokens_under": 100}, True),
        ({"about": {"docs": []}, "says": ["fix"]}, False),
    ],
)
def test_all_words_have_to_hold(when: dict[str, Any], holds: bool) -> None:
    assert asyncio.run(words.holds(when, asks("fix the crash"), [Lexical()])) is holds


def test_after_a_word_that_does_not_hold_nothing_is_looked_at() -> None:
    asked = asks("fix the crash")

    assert not asyncio.run(
        words.holds({"path": ["/v1/messages"], "tokens_over": 1, "says": ["x"]}, asked, [])
    )
    assert "turns" not in asked.__dict__
