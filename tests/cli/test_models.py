"""The list of names, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cli.printed import lines
from idetour.cli.models import tokens
from upstream import Upstream, objecting, status

type Idetour = Callable[..., Result]
PROFILE = (
    "models: { coder: nim/openai/gpt-oss-20b, old: nim/deepseek-ai/deepseek-r1-0528 }\nroutes: { r: coder }"
)


def test_each_name_has_its_target_and_limits(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    result = idetour("models", profile_file(PROFILE), NVIDIA_API_KEY="nvapi-test-1234")

    assert lines(result) == [
        "name target context output key",
        "r nim/openai/gpt-oss-20b 131k 32k key …1234",
        "coder nim/openai/gpt-oss-20b 131k 32k key …1234",
        "old nim/deepseek-ai/deepseek-r1-0528 131k – key …1234 retired; use nim/deepseek-ai/deepseek-v4.1-flash",
    ]


def test_a_program_gets_json_without_keys(idetour: Idetour, profile_file: Callable[..., Path]) -> None:
    result = idetour("models", "--json", profile_file(PROFILE), NVIDIA_API_KEY="nvapi-test-1234")
    listed: list[dict[str, Any]] = json.loads(result.stdout)

    assert [each["name"] for each in listed] == ["r", "coder", "old"]
    assert listed[1] == {
        "name": "coder",
        "target": "nim/openai/gpt-oss-20b",
        "title": "GPT-OSS 20B",
        "context": 131072,
        "output": 32768,
        "images": False,
        "key": "key …1234",
        "retired": None,
        "instead": None,
    }
    assert "nvapi" not in result.output


def test_all_shows_what_lacks_a_key_and_what_is_gone(idetour: Idetour) -> None:
    few, many = idetour("models").stdout, idetour("models", "--all").stdout

    assert "anthropic/claude-opus-5" not in few
    assert "anthropic/claude-opus-5 " in many
    assert "no key: set ANTHROPIC_API_KEY" in many
    assert "retired; use dashscope/qwen3-coder-plus" in many


def test_no_line_is_cut_for_a_program_that_reads_it(idetour: Idetour) -> None:
    shown = idetour("models", "--all", COLUMNS="40").stdout.splitlines()
    listed = json.loads(idetour("models", "--all", "--json").stdout)

    assert len(shown) == len(listed) + 1
    assert "…" not in "".join(shown)


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "–"), (512, "512"), (8192, "8k"), (131072, "131k"), (999999, "999k"), (1048576, "1.0M")],
)
def test_tokens_are_written_as_people_say_them(count: int | None, text: str) -> None:
    assert tokens(count) == text


def test_the_list_is_what_one_gets_without_naming_it(
    idetour: Idetour, profile_file: Callable[..., Path]
) -> None:
    path = profile_file(PROFILE)

    assert idetour("models", "list", path).stdout == idetour("models", path).stdout
    assert "probe" in idetour("models", "--help").stdout


def test_a_target_is_probed_and_what_it_refuses_is_learned(
    idetour: Idetour, profile_file: Callable[..., Path], upstream: Upstream, free_port: int
) -> None:
    upstream.always(objecting(lambda body: "Unknown parameter: 'tools'." if "tools" in body else None))
    path = profile_file(f"upstreams: {{up: {{url: '{upstream.url}'}}}}")

    result = idetour("models", "probe", "up/x", "--profile", path)
    said = json.loads(idetour("models", "probe", "up/x", "--profile", path, "--json").stdout)

    assert result.exit_code == 0
    assert "It took " in result.stdout
    assert said["target"] == "up/x"
    assert {each["what"]: each["verdict"] for each in said["findings"]}["tools"] == "no"
    assert said["tokens"]["prompt"] > 0


def test_a_target_that_cannot_be_asked_is_an_error(
    idetour: Idetour, profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    upstream.always(status(401))
    path = profile_file(f"upstreams: {{up: {{url: '{upstream.url}'}}}}")

    assert idetour("models", "probe", "up/x", "--profile", path).exit_code == 1
    assert "nope leads to no model" in idetour("models", "probe", "nope", "--profile", path).stderr
