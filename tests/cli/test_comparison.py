"""What is shown of answers: the table, its sentences, and how answers differ."""

import json
from dataclasses import replace
from typing import Any

import pytest

from idetour.cli.comparison import (
    Outcome,
    by,
    called,
    document,
    lines,
    sentences,
    show_answers,
    word,
    written,
)
from idetour.errors import UpstreamError
from idetour.gateway.recording import Recording
from idetour.gateway.said import Call, Said
from idetour.usage.prices import Cost
from idetour.wire.usage import Usage

TOOLS = [{"type": "function", "function": {"name": "write", "parameters": {"required": ["path"]}}}]
REQUEST = Recording(protocol="chat", body={"model": "m", "tools": TOOLS}, source="/there/a.json")
GOOD = Call("write", '{"path": "a"}')
BAD = Call("write", "{}")


def outcome(target: str = "up/a", said: Said | None = None, **more: Any) -> Outcome:
    made = Outcome(request=REQUEST, target=target, **more)
    return made.heard(said) if said else made


def test_an_answer_is_fine_when_its_calls_can_be_run() -> None:
    assert outcome(said=Said(text="hi")).fine
    assert outcome(said=Said(calls=(GOOD,))).fine
    assert not outcome(said=Said(calls=(GOOD, BAD))).fine
    assert not outcome().failed("429", "too many").fine


def test_a_line_for_each_target_and_its_medians() -> None:
    used = Usage(prompt=1000, completion=5, total=1005)
    first = [
        replace(
            outcome(said=Said(text="a", usage=used, finish="stop"), first=0.1, total=seconds),
            cost=Cost(0.5, "USD"),
        )
        for seconds in (1.0, 2.0, 9.0)
    ]
    second = [outcome("up/b", Said(text="a", finish="stop"), first=0.2, total=1.0, answered="up/c")]
    third = [outcome("up/d").failed("429", "too many")]
    made = [list(line) for line in lines([*first, *second, *third])]

    assert made == [
        ["a.json", "up/a", "3 of 3", "100 ms", "2.0 s", "1,000", "5", "1.50 USD", "–", "stop", "–", ""],
        ["", "up/b", "✓", "200 ms", "1.0 s", "–", "–", "–", "–", "stop", "same", "up/c"],
        ["", "up/d", "✗", "–", "–", "–", "–", "–", "–", "429", "–", ""],
    ]


@pytest.mark.parametrize(
    ("calls", "text"), [((), "–"), ((GOOD, GOOD), "2 ok"), ((GOOD, BAD), "1 of 2 wrong")]
)
def test_tool_calls_are_counted(calls: tuple[Call, ...], text: str) -> None:
    assert called(outcome(said=Said(calls=calls))) == text


def test_what_went_wrong_is_said_below_with_its_place() -> None:
    said = [*sentences([outcome().failed("429", "too many"), outcome("up/b", Said(calls=(BAD,)))])]

    assert said == ["a.json to up/a: 429: too many", "a.json to up/b: write: arguments.path is missing"]


def test_who_really_answered_is_named_where_it_is_another() -> None:
    assert by([outcome(answered="up/a")]) == ""
    assert by([outcome("m", answered="up/a"), outcome("m", answered="up/b")]) == "up/a, up/b"


def test_answers_are_compared_line_by_line_with_their_calls(capsys: pytest.CaptureFixture[str]) -> None:
    one = outcome(said=Said(text="Hello\nworld", calls=(GOOD,)))
    other = outcome("up/b", Said(text="Hello\n[bold]you[/]", calls=(Call("write", "broken"),)))
    show_answers([one, other, outcome("up/c", one.said), outcome("up/d").failed("429", "too many")])
    shown = capsys.readouterr().out

    assert written(one.said or Said()) == ["Hello", "world", "→ write", "  {", '    "path": "a"', "  }"]
    assert "a.json, answered by up/a\nHello\nworld\n" in shown
    assert "--- up/a\n+++ up/b\n" in shown
    assert "-world\n+[bold]you[/]\n" in shown
    assert "+  broken\n" in shown
    assert "up/c answers the same\n" in shown


def test_a_document_for_programs_holds_all_but_the_request() -> None:
    made = json.loads(json.dumps(document(outcome(said=Said(text="hi", calls=(BAD,)), total=1.0))))

    assert (made["file"], made["asked"], made["target"], made["fine"]) == (
        "/there/a.json",
        "m",
        "up/a",
        False,
    )
    assert made["said"]["text"] == "hi"
    assert "request" not in made


def test_a_failure_is_a_word() -> None:
    assert word(429, UpstreamError("x")) == "429"
    assert word(200, UpstreamError("x", code="upstream_truncated")) == "broke off"
    assert word(200, UpstreamError("x", code="whatever")) == "error"
