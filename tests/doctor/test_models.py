from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import Serving
from idetour.doctor import Road, models
from idetour.doctor.models import OPENAI, OPENROUTER, fault, judged
from idetour.endpoints.models import listing
from idetour.profile.read import read

ITEM = {"id": "m", "object": "model", "created": 1, "owned_by": "x"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "not of the form"),
        ({"data": [ITEM]}, "not of the form"),
        ({"object": "list", "data": []}, "it is empty"),
        ({"object": "list", "data": [{"id": "m", "object": "model"}]}, "an entry has no created, owned_by"),
        ({"object": "list", "data": ["m"]}, "an entry has no id"),
    ],
)
def test_what_an_ide_would_not_take(body: Any, words: str) -> None:
    assert words in str(fault(body, OPENAI))


def test_a_full_list_is_taken() -> None:
    assert fault({"object": "list", "data": [ITEM]}, OPENAI) is None


def test_our_own_list_for_openrouter_has_openrouters_shape(profile_file: Callable[..., Path]) -> None:
    import json

    profile = read(profile_file("models: {m: demo/hello}"))

    assert fault(json.loads(listing(profile, {}, "openrouter.ai")), OPENROUTER) is None
    assert fault(json.loads(listing(profile, {}, None)), OPENROUTER) is not None


def test_a_missing_name_offers_the_nearest() -> None:
    finding = judged("here", {"object": "list", "data": [ITEM | {"id": "gpt-4o"}]}, OPENAI, ["gpt-4"])

    assert (finding.state, finding.text) == ("broken", "here: the list of 1 has no gpt-4")
    assert finding.remedy == "did you mean 'gpt-4o'?"


def test_the_list_of_a_running_idetour_has_all_that_the_profile_names(
    serving: Callable[..., Serving], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: {m: demo/hello}\nroutes: {gpt-4o: m}\naccess: sk-access-0123456789")
    findings = list(models.HOP.look(Road(wanted=str(path), port=serving(path).port)))

    assert [finding.state for finding in findings] == ["ok"]
    assert findings[0].text.endswith("2 listed, gpt-4o, m among them, each with all fields")


def test_a_name_that_is_asked_for_and_not_in_it_is_broken(
    serving: Callable[..., Serving], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: {m: demo/hello}")
    [finding] = models.HOP.look(Road(wanted=str(path), port=serving(path).port, model="gpt-9"))

    assert finding.state == "broken"
    assert "has no gpt-9" in finding.text
