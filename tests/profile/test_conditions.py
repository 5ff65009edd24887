"""What may stand in `when`. How each mistake is told is in tests/golden/profiles."""

from collections.abc import Callable
from typing import Any

import pytest

from idetour.profile import Profile
from idetour.profile.conditions import KINDS, LABELS, WORDS, regex
from idetour.profile.schema import json_schema

type Read = Callable[..., Profile]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{ says: 重构 }", {"says": ["重构"]}),
        ("{ says: [no, '12:30', /a b/] }", {"says": ["no", "12:30", "/a b/"]}),
        ("{ tokens_over: 100000, tokens_under: 200000 }", {"tokens_over": 100_000, "tokens_under": 200_000}),
        ("{ images: true }", {"images": True}),
        ("{ tools: false }", {"tools": False}),
        ("{ tools: bash }", {"tools": ["bash"]}),
        ("{ tools: [bash, 'true'] }", {"tools": ["bash", "true"]}),
        ("{ kind: [title, summary] }", {"kind": ["title", "summary"]}),
        ("{ path: /v1/messages, client: trae }", {"path": ["/v1/messages"], "client": ["trae"]}),
        ("{ time: [22:00-07:00, sat] }", {"time": ["22:00-07:00", "sat"]}),
        ("{ share: .25 }", {"share": 0.25}),
        ("{ about: debug }", {"about": {"debug": []}}),
        ("{ about: [debug, docs] }", {"about": {"debug": [], "docs": []}}),
        ("{ about: { debug: [], sql: [join tables, 查询], own: one } }", {"about": {"debug": [], "sql": ["join tables", "查询"], "own": ["one"]}}),
    ],
)  # fmt: skip
def test_short_forms_are_written_out(profile: Read, written: str, read: dict[str, Any]) -> None:
    made = profile(f"routes: {{ r: [{{ when: {written}, use: demo/hello }}, demo/slow] }}")

    assert made.routes["r"][0].when == read
    assert made.warnings == ()


def test_a_regular_expression_stands_between_slashes() -> None:
    assert regex("/a/b/") == "a/b"
    assert [regex(text) for text in ("a", "/", "//", "/a", "a/")] == [None] * 5


def test_editors_are_told_what_each_word_means() -> None:
    words = json_schema()["$defs"]["When"]["properties"]

    assert all(words[word]["description"] for word in WORDS)
    assert {"type": "boolean"} in words["tools"]["anyOf"]
    assert words["kind"]["anyOf"][0]["enum"] == list(KINDS)
    assert all(label in words["about"]["description"] for label in LABELS)


def test_an_embeddings_model_is_named_at_the_top(profile: Read) -> None:
    short, long = profile("embeddings: ollama/bge-m3"), profile("embeddings: { to: ollama/bge-m3 }")

    assert str(short.embeddings) == "ollama/bge-m3"
    assert short.embeddings == long.embeddings
    assert profile("models: { m: demo/hello }").embeddings is None
