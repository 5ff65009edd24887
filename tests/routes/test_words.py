"""The list of words, and how they are judged together."""

import asyncio
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from idetour.profile.catalog import load
from idetour.profile.conditions import KINDS, LABELS
from idetour.profile.conditions import WORDS as TYPES
from idetour.profile.read import read
from idetour.routes import words
from idetour.routes.lexical import Lexical
from routes.asking import asks

DOCS = Path(__file__).resolve().parents[2] / "docs"


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


@pytest.mark.parametrize("page", ["routing.md", "routing.zh-CN.md"])
def test_the_page_on_routing_tells_every_word_kind_and_label(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")

    assert [word for word in words.ALL if f"`{word}`" not in text] == []
    assert [name for name in (*KINDS, *LABELS) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", ["routing.md", "routing.zh-CN.md"])
def test_every_profile_on_the_page_can_be_read(page: str, profile_file: Callable[..., Path]) -> None:
    examples = re.findall(r"^ *```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)

    assert len(examples) == 3
    for text in examples:
        assert read(profile_file(dedent(text)), catalog=load(env={}), env={}).warnings == ()
