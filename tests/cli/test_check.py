"""What `idetour check` says of a profile."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from cli.printed import lines

type Idetour = Callable[..., Result]


def test_it_says_who_answers_what_and_which_key_is_missing(
    idetour: Idetour, profile_file: Callable[..., Path]
) -> None:
    path = profile_file("""
models: { coder: nim/openai/gpt-oss-120b }
routes: { gpt-4o: [{ use: { coder: 3, demo/hello: 1 }, else: dashscope/qwen3-max }] }
""")
    result = idetour("check", path, DASHSCOPE_API_KEY="sk-test-0000001234")

    assert result.exit_code == 0
    assert lines(result) == [
        f"{path}: fine",
        "asked for answered by key",
        "gpt-4o nim/openai/gpt-oss-120b 75% no key: set NVIDIA_API_KEY",
        "demo/hello 25% no key needed",
        "dashscope/qwen3-max else key …1234",
        "coder nim/openai/gpt-oss-120b no key: set NVIDIA_API_KEY",
        "intercepts api.openai.com",
        "access anyone on this machine",
        "otherwise 404 with the nearest names",
    ]


def test_a_broken_profile_is_shown_with_its_place(
    idetour: Idetour, profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: { coder: demo/hello }\nroutes: { gpt-4o: coderr }\n")
    result = idetour("check", path)

    assert result.exit_code == 1
    assert f"{path}:2:19" in result.stderr
    assert "did you mean" in result.stderr


def test_a_warning_is_said_and_is_no_failure(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    text = 'upstreams: { mine: { url: "http://127.0.0.1:9/v1", key: sk-live-0123456789 } }\nmodels: { m: mine/x }'
    result = idetour("check", profile_file(text))

    assert result.exit_code == 0
    assert "warning: " in result.stdout
    assert "sk-live-0123456789" not in result.output


def test_names_in_brackets_are_shown_as_they_are(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    """rich would take them for markup, and `:key:` for a picture."""
    path = profile_file('models: { "[red]m[/]": "demo/:key:" }', "[bold]profile.yaml")
    shown = idetour("check", path).stdout

    assert "[bold]profile.yaml: fine" in shown
    assert "[red]m[/]" in shown
    assert "demo/:key:" in shown


def test_who_may_call_is_said(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    path = profile_file("models: { m: demo/hello }\naccess: [$TEAM_KEYS]")

    assert "an access key (TEAM_KEYS)" in idetour("check", path, TEAM_KEYS="a,b").stdout
    assert "an access key (TEAM_KEYS)" in idetour("check", path).stdout


def test_whoever_else_may_call_is_said_too(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    profile = profile_file(
        "names: llm.example.com\norigins: https://chat.example.com\nlimit: 1200\naccess: the-access-key-1"
    )
    said = idetour("check", profile).stdout
    assert "behind a proxy, as llm.example.com" in said
    assert "web pages of https://chat.example.com" in said
    assert "1,200 requests a minute of each caller" in said


def test_an_open_profile_shows_what_can_answer_now(idetour: Idetour) -> None:
    assert "demo/thinker" in idetour("check").stdout
    assert "nim/" not in idetour("check").stdout
    assert "nim/openai/gpt-oss-120b" in idetour("check", NVIDIA_API_KEY="nvapi-test-000").stdout


def test_the_model_that_is_meant_is_the_one_that_is_shown(
    idetour: Idetour, profile_file: Callable[..., Path]
) -> None:
    """An id with a slash is read here as it is read when it is asked for."""
    path = profile_file("models: { m: demo/hello }\nroutes: { r: qwen/qwen3-coder-480b-a35b-instruct }")
    result = idetour("check", path, NVIDIA_API_KEY="nvapi-test-000")

    assert "nim/qwen/qwen3-coder-480b-a35b-instruct" in result.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("routes: { default: m }", "as default says"),
        ("routes: { default: m }\npassthrough: true", "as default says"),
        ("passthrough: true", "the real host, with the IDE's own key"),
    ],
)
def test_what_becomes_of_a_name_that_nobody_knows(
    idetour: Idetour, profile_file: Callable[..., Path], more: str, said: str
) -> None:
    shown = idetour("check", profile_file(f"models: {{ m: demo/hello }}\n{more}")).stdout
    assert said in shown.splitlines()[-1]
