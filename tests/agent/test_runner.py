"""Trae Agent is found, asked once what it is, and its absence explained."""

from pathlib import Path

import pytest

from idetour.agent.runner import described, find, interpreter_of


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "interpreters.json"


def test_an_interpreter_that_is_named_is_used_with_the_driver(standin: Path, cache: Path) -> None:
    found = find(cache, {"TRAE_AGENT_PYTHON": str(standin)})

    assert (found.kind, found.python, found.found) == ("driver", str(standin), "TRAE_AGENT_PYTHON")
    assert [tool["name"] for tool in found.tools][:2] == ["bash", "str_replace_based_edit_tool"]
    assert "docker" in found.missing


@pytest.mark.parametrize("variable", ["TRAE_CLI", "PATH"])
def test_the_interpreter_behind_a_script_is_used(standin: Path, cache: Path, variable: str) -> None:
    script = standin.with_name("trae-cli")
    found = find(cache, {variable: str(script if variable == "TRAE_CLI" else script.parent)})

    assert (found.kind, found.python, found.cli) == ("driver", str(standin), str(script))


def test_a_command_whose_interpreter_is_hidden_is_used_without_the_driver(
    tmp_path: Path, cache: Path
) -> None:
    wrapper = tmp_path / "trae-cli"
    wrapper.write_text("#!/bin/sh\nexit 0\n")
    wrapper.chmod(0o755)
    found = find(cache, {"TRAE_CLI": str(wrapper)})

    assert (found.kind, found.cli) == ("cli", str(wrapper))
    assert "without the driver" in found.found


def test_an_interpreter_without_it_is_said_so(cache: Path) -> None:
    found = find(cache, {"TRAE_AGENT_PYTHON": "/usr/bin/python3", "PATH": "/nowhere"})

    assert found.kind == "unavailable"
    assert "No module named 'trae_agent'" in found.found
    assert not cache.exists()  # what may be mended is asked again


def test_nothing_at_all_is_said_so(cache: Path) -> None:
    assert find(cache, {"PATH": "/nowhere"}).found == "no trae-cli on the PATH"
    assert "no such program" in find(cache, {"TRAE_AGENT_PYTHON": "/nope", "PATH": ""}).found


def test_an_interpreter_is_asked_once(standin: Path, cache: Path) -> None:
    first = described(str(standin), cache)
    cache.write_text(cache.read_text().replace('"tools": [', '"tools": [{"name": "remembered"}, '))

    assert described(str(standin), cache)["tools"][1:] == first["tools"]
    assert cache.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("#!/usr/bin/python3 -E\n", "/usr/bin/python3"),
        ("#!/bin/sh\n", None),
        ("", None),
        ("#!\n", None),
        ("#!'\n", None),
    ],
)
def test_the_first_line_of_a_script_is_read(tmp_path: Path, first: str, found: str | None) -> None:
    (tmp_path / "script").write_text(first)

    assert interpreter_of(tmp_path / "script") == found
