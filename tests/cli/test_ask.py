"""One question, through an instance made for it and through one that runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from idetour.cli.ask import texts, trust
from idetour.errors import SetupError
from upstream import Upstream, status, stream, think

type Idetour = Callable[..., Result]


def mine(profile_file: Callable[..., Path], upstream: Upstream, more: str = "") -> Path:
    return profile_file(f'upstreams: {{ up: {{ url: "{upstream.url}" }} }}\nmodels: {{ m: up/real }}\n{more}')


@pytest.mark.parametrize("road", [(), ("--intercept",)], ids=["base URL", "intercepted"])
def test_a_temporary_instance_answers_and_is_gone_afterwards(
    idetour: Idetour, profile_file: Callable[..., Path], upstream: Upstream, road: tuple[str, ...]
) -> None:
    """`--intercept`: CONNECT to api.openai.com, with nothing trusted but our own authority."""
    upstream.then(stream(think("Hm. "), "Hel", "lo 你好"))
    result = idetour("ask", "hello", "--profile", mine(profile_file, upstream), *road)

    assert result.output == "Hm. Hello 你好\n"
    assert result.exit_code == 0
    assert upstream.requests[-1].json()["messages"] == [{"role": "user", "content": "hello"}]
    assert upstream.requests[-1].json()["model"] == "real"


def test_a_running_instance_is_asked_and_may_want_a_key(
    idetour: Idetour, profile_file: Callable[..., Path], serving: Callable[..., Any], upstream: Upstream
) -> None:
    running = serving(mine(profile_file, upstream, "access: [sk-access-0123456789]"))
    refused = idetour("ask", "hello", "-p", running.port)
    named = idetour("ask", "hello", "-p", running.port, "-m", "m")
    answered = idetour("ask", "hello", "-p", running.port, IDETOUR_API_KEY="sk-access-0123456789,other")

    assert refused.exit_code == 1
    assert "set IDETOUR_API_KEY" in refused.stderr
    assert named.stderr == refused.stderr
    assert answered.output == "Hello, world\n"


def test_port_and_key_may_stand_in_the_file_of_variables(
    idetour: Idetour,
    profile_file: Callable[..., Path],
    serving: Callable[..., Any],
    upstream: Upstream,
    home: Path,
) -> None:
    running = serving(mine(profile_file, upstream, "access: [sk-access-0123456789]"))
    home.mkdir(exist_ok=True)
    (home / ".env").write_text(f"PORT={running.port}\nIDETOUR_API_KEY=sk-access-0123456789\n")

    assert idetour("ask", "hello").output == "Hello, world\n"


@pytest.mark.parametrize("code", [401, 402])
def test_an_upstreams_error_is_said_with_its_own_words(
    idetour: Idetour,
    profile_file: Callable[..., Path],
    serving: Callable[..., Any],
    upstream: Upstream,
    code: int,
) -> None:
    running = serving(mine(profile_file, upstream))
    upstream.always(status(code))
    result = idetour("ask", "hello", "-p", running.port, "-m", "m")

    assert result.exit_code == 1
    assert f"upstream says {code}" in result.stderr
    assert "IDETOUR_API_KEY" not in result.stderr


def test_words_are_joined_to_one_question(
    idetour: Idetour, profile_file: Callable[..., Path], serving: Callable[..., Any], upstream: Upstream
) -> None:
    running = serving(mine(profile_file, upstream))
    idetour("ask", "hello", "world", "-p", running.port)

    assert upstream.requests[-1].json()["messages"] == [{"role": "user", "content": "hello world"}]


@pytest.mark.parametrize("words", [(), ("",), (" ", " ")])
def test_an_empty_question_is_not_asked(idetour: Idetour, words: tuple[str, ...]) -> None:
    result = idetour("ask", *words)

    assert result.exit_code == 2
    assert "Usage: idetour ask" in result.stderr


def test_an_instance_that_does_not_start_says_why(
    idetour: Idetour, profile_file: Callable[..., Path]
) -> None:
    result = idetour("ask", "hello", "--profile", profile_file("models: { m: nowhere }"), "-m", "m")

    assert result.exit_code == 1
    assert "A temporary idetour did not start: " in result.stderr
    assert "'nowhere'" in result.stderr


def test_an_answer_that_breaks_off_is_no_success() -> None:
    chunk = b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'

    assert list(texts(iter([chunk, b"data: [DONE]\n\n"]))) == ["Hel"]
    with pytest.raises(SetupError, match=r"^The answer broke off\.$"):
        list(texts(iter([chunk])))
    with pytest.raises(SetupError, match="overloaded"):
        list(texts(iter([chunk, b'data: {"error":{"message":"overloaded"}}\n\n'])))


def test_without_an_authority_nothing_is_trusted_instead(home: Path) -> None:
    with pytest.raises(SetupError, match="no certificate authority"):
        trust(True)
