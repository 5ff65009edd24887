"""Trae Agent's own configuration, in its two forms."""

import json
from pathlib import Path
from typing import Any

import pytest

from idetour.agent.config import existing, read
from idetour.errors import SetupError

NEWER: dict[str, Any] = {
    "agents": {"trae_agent": {"model": "m", "max_steps": 20, "tools": ["bash"], "enable_lakeview": True}},
    "model_providers": {
        "mine": {"api_key": "sk-canary", "provider": "openai", "base_url": "https://up.example/v1"},
        "other": {"api_key": "", "provider": "anthropic"},
    },
    "models": {
        "m": {"model_provider": "mine", "model": "gpt-4o", "max_tokens": 4096, "temperature": 0.7, "top_p": 1}
    },
    "mcp_servers": {"files": {"command": "x"}},
}
OLDER: dict[str, Any] = {
    "default_provider": "openai",
    "max_steps": 7,
    "model_providers": {"openai": {"api_key": "sk-canary", "model": "gpt-4o", "temperature": 0.5}},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "trae_config.yaml"
    path.write_text(json.dumps(NEWER))
    return path


def test_the_yaml_form_is_read(path: Path) -> None:
    found = read(path, own={})

    assert (found.provider, found.kind, found.model) == ("mine", "openai", "gpt-4o")
    assert (found.max_steps, found.tools, found.api_key_set) == (20, ("bash",), True)
    assert found.parameters == {"max_tokens": 4096, "temperature": 0.7, "top_p": 1}
    assert found.mcp == {"mcp_servers": {"files": {"command": "x"}}}
    assert "canary" not in repr(found)


def test_the_older_json_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "trae_config.json"
    path.write_text(json.dumps(OLDER))
    found = read(path, own={})

    assert (found.provider, found.kind, found.model, found.max_steps) == ("openai", "openai", "gpt-4o", 7)
    assert existing(tmp_path / "trae_config.yaml") == path


def test_another_provider_may_be_named(path: Path) -> None:
    found = read(path, provider="other", own={})

    assert (found.provider, found.kind, found.api_key_set) == ("other", "anthropic", False)


def test_the_environment_wins(path: Path) -> None:
    found = read(path, own={"OPENAI_BASE_URL": "http://here"})

    assert found.base_url == "http://here"
    assert read(path, provider="other", own={"ANTHROPIC_API_KEY": "x"}).api_key_set


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "cannot be parsed (line"),
        ("[]", "holds no mapping"),
        ("agents: {}", "'trae_agent' is missing"),
        ("agents: 3", "is no configuration"),
        ("\0", "cannot be parsed"),
        ("a: " + "[" * 5000, "cannot be parsed"),
        ("# " + "x" * (2 << 20), "too long"),
    ],
)
def test_a_file_that_is_none_is_told_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "trae_config.yaml"
    path.write_text(text)

    with pytest.raises(SetupError) as caught:
        read(path)
    assert said in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    assert existing(tmp_path / "none.yaml") is None
    with pytest.raises(SetupError, match="cannot be read"):
        read(tmp_path / "none.yaml")
