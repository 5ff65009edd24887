from collections.abc import Callable
from pathlib import Path

from conftest import Serving
from idetour.doctor import Road, listener
from idetour.doctor.listener import judged

HEALTH = {"version": "1", "profile": "team", "models": 3, "problem": None}


def test_it_is_the_same_profile_and_version(
    serving: Callable[..., Serving], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: {m: demo/hello}")
    [finding] = listener.HOP.look(Road(wanted=str(path), port=serving(path).port))

    assert finding.state == "ok"
    assert finding.text.endswith("answers with profile profile; models: 1")


def test_another_profile_is_broken() -> None:
    [finding] = judged(HEALTH, "mine", "1")

    assert finding.state == "broken"
    assert finding.text == "The running idetour has the profile team, not mine"


def test_another_version_and_a_profile_that_broke_since_are_notes() -> None:
    findings = list(judged({**HEALTH, "problem": "team.yaml:1:1: no"}, "team", "2"))

    assert [finding.state for finding in findings] == ["note", "note", "ok"]
    assert findings[0].text == "It is version 1, and this is 2"
    assert "team.yaml:1:1: no" in findings[1].text
