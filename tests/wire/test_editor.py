import json
from typing import Any

import pytest
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.editor import beginning, retold, said, text


def delta(value: dict[str, Any]) -> dict[str, Raw]:
    return raw.fields(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ("abc", 0),
        ("abc<", 1),
        ("abc<th", 3),
        ("abc<think", 6),
        ("abc<think>", 0),
        ("<<", 1),
        ("", 0),
        ("◁", 1),
    ],
)
def test_only_the_beginning_of_a_mark_is_held(written: str, held: int) -> None:
    assert beginning(written, ["<think>", "◁think▷"]) == held


def test_what_is_told_instead_comes_between_the_role_and_the_calls() -> None:
    given = delta({"tool_calls": [{"index": 0}], "content": "x", "role": "assistant", "refusal": None})
    made = retold(given, [("reasoning_content", Raw(b'"r"')), ("content", Raw(b'"c"'))])

    assert [list(each) for each in made] == [
        ["role", "refusal"],
        ["reasoning_content"],
        ["content"],
        ["tool_calls"],
    ]


def test_a_delta_that_says_nothing_else_leaves_nothing() -> None:
    assert retold(delta({"content": "x", "refusal": None}), []) == []


def test_text_in_parts_is_text() -> None:
    assert (
        text(said(delta({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}))) == "ab"
    )
    assert said(delta({"content": None})) is raw.NULL


def test_half_an_emoji_survives() -> None:
    assert raw.of(text(Raw(b'"a\\ud83d"'))) == Raw(b'"a\\ud83d"')
