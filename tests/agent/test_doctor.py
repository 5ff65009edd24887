"""What is said of this machine, and that a whole run is tried."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.agent.doctor import examined
from idetour.agent.layout import Layout


def found(
    layout: Layout, config: str = "/none.yaml", gateway: str | None = None
) -> dict[str, tuple[str, str]]:
    return {each.part: (each.state, each.text) for each in examined(layout, gateway=gateway, config=config)}


def test_a_whole_run_is_tried_and_leaves_nothing(layout: Layout, config: Callable[..., Path]) -> None:
    said = found(layout, str(config("http://127.0.0.1:9")))

    assert said["Trae Agent"][0] == "ok"
    assert said["a whole run"][0] == "ok", said
    assert said["models"][0] == "note"
    assert said["limits"][0] == "ok"
    assert "files and the memory of one are held by the system" in said["limits"][1]
    assert not [*layout.folder.glob("doctor-*")]


def test_what_is_missing_is_broken_with_the_way_to_mend_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAE_AGENT_PYTHON", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    said = [*examined(layout, gateway=None, config="/none.yaml")]

    assert [(each.part, each.state) for each in said if each.state == "broken"] == [
        ("Trae Agent", "broken"),
        ("models", "broken"),
    ]
    assert "docker pexpect 'pydantic<2.14'" in said[0].remedy


@pytest.mark.usefixtures("by_cli")
def test_the_command_alone_is_good_enough_and_noted(layout: Layout) -> None:
    said = found(layout)

    assert (said["Trae Agent"][0], said["a whole run"][0]) == ("note", "ok")


def test_an_agent_that_does_nothing_is_found_out(
    layout: Layout, standin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be asked, and fails when it is to work."""
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\n[ "$3" = --describe ] && exec {standin} "$@"\nexit 0\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("TRAE_AGENT_PYTHON", str(wrapper))
    state, text = found(layout)["a whole run"]

    assert (state, text) == ("broken", "The agent ended with exit code 0 before its task was done.")
