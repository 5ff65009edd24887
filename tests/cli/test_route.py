"""Which rule a request meets, shown."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from cli.printed import lines

type Idetour = Callable[..., Result]

PROFILE = """
models: { coder: demo/hello, small: demo/slow }
routes:
  gpt-4o:
    - when: { kind: title }
      use: small
    - when: { says: [重构, refactor], about: [debug, refactor], tokens_under: 5000 }
      use: { coder: 3, demo/tools: 1 }
      else: nim/x
    - use: small
"""


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Path:
    return profile_file(PROFILE)


def test_each_rule_and_each_word_says_whether_and_why(idetour: Idetour, profile: Path) -> None:
    shown = lines(idetour("route", "explain", profile, "请重构 the parser"))

    assert shown[0] == "asked for gpt-4o"
    assert "user says 请重构 the parser" in shown
    assert [line for line in shown if "rule" in line and line[0] in "✓✗"] == [
        "✗ rule 1: small",
        "✓ rule 2: coder, demo/tools",
        "✓ rule 3: small",
    ]
    assert "✗ kind it is of the kind chat" in shown
    assert "✓ says '重构' is said" in shown
    assert "✓ about words: refactor 4.00, 4.00 ahead of debug" in shown
    assert "✓ always it has no `when`" in shown


def test_the_decision_has_its_time_and_the_candidates_their_shares(idetour: Idetour, profile: Path) -> None:
    shown = lines(idetour("route", "explain", profile, "refactor this"))
    [decided] = [line for line in shown if line.startswith("decided")]

    assert re.fullmatch(r"decided route gpt-4o, rule 2 \([0-9.]+ ms\)", decided)
    assert sorted(line.split(maxsplit=1)[1] for line in shown[-3:]) == [
        "25% demo/tools no key needed",
        "75% demo/hello no key needed",
        "else nim/x no key: set NVIDIA_API_KEY",
    ]


def test_session_and_tokens_are_those_of_the_file(idetour: Idetour, profile: Path, tmp_path: Path) -> None:
    body = {
        "model": "gpt-4o",
        "user": "somebody",
        "messages": [
            {"role": "user", "content": "debug"},
            {"role": "tool", "tool_call_id": "1", "content": "line " * 6000},
        ],
    }
    file = tmp_path / "request.json"
    file.write_text(json.dumps(body))
    shown = lines(idetour("route", "explain", "--file", file, profile))

    assert any(re.fullmatch(r"session [0-9a-f]{8}… by user", line) for line in shown)
    assert "turn follows the user's" in shown
    assert any(re.fullmatch(r"✗ tokens_under about [56],\d{3} tokens", line) for line in shown)
    assert any(line.startswith("decided route gpt-4o, rule 3") for line in shown)


def test_a_model_without_a_route_has_no_rules(idetour: Idetour, profile: Path) -> None:
    shown = lines(idetour("route", "explain", "-m", "coder", profile, "hi"))

    assert not any("rule" in line for line in shown)
    assert any(line.startswith("decided model coder") for line in shown)
    assert shown[-1] == "1. demo/hello no key needed"


def test_a_request_that_would_be_refused_is_said_to_be(
    idetour: Idetour, profile_file: Callable[..., Path]
) -> None:
    path = profile_file("routes: { r: { when: { says: debug }, use: demo/hello } }")
    shown = lines(idetour("route", "explain", path, "hi"))

    assert any(line.startswith("decided No rule of the route 'r' holds for this request.") for line in shown)


def test_an_embeddings_model_that_is_not_there_is_warned_of(
    idetour: Idetour, profile_file: Callable[..., Path], free_port: int
) -> None:
    path = profile_file(
        f"upstreams: {{ up: {{ url: 'http://127.0.0.1:{free_port}/v1' }} }}\nembeddings: up/e\n"
        "routes: { r: [{ when: { about: { sql: [join tables] } }, use: demo/hello }, demo/slow] }"
    )
    shown = lines(idetour("route", "explain", path, "join two tables"))

    assert any(line.startswith("warning: up/e cannot help: up: ") for line in shown)
    assert any(line.startswith("decided route r, rule 1") for line in shown)


@pytest.mark.parametrize("words", [(), ("a", "b", "c")])
def test_without_a_text_it_says_how(idetour: Idetour, words: tuple[str, ...]) -> None:
    result = idetour("route", "explain", *words)

    assert result.exit_code == 2
    assert "give TEXT or --file" in result.output


@pytest.mark.parametrize("body", ["{", "[]", '{"messages": 5}', '{"messages": [5]}'])
def test_a_file_that_is_no_request_is_no_traceback(
    idetour: Idetour, profile: Path, tmp_path: Path, body: str
) -> None:
    file = tmp_path / "request.json"
    file.write_text(body)
    result = idetour("route", "explain", "--file", file, profile)

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
