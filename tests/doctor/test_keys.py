from collections.abc import Callable

import pytest

from idetour.doctor import Road, keys

type Look = Callable[..., list[tuple[str, str]]]


def test_a_missing_key_names_the_names_that_nobody_answers(look: Look) -> None:
    findings = look(keys.HOP, "models: {coder: nim/x, small: nim/y}")

    assert findings == [("broken", "NVIDIA NIM has no key, and nobody else answers for coder, small")]


def test_a_missing_key_names_its_variable(road: Callable[..., Road]) -> None:
    [finding] = keys.HOP.look(road("models: {coder: nim/x}"))

    assert finding.remedy == "Set NVIDIA_API_KEY where idetour is started, and start it again."


def test_a_missing_key_is_a_note_where_others_answer(look: Look) -> None:
    findings = look(keys.HOP, "routes: {gpt-4o: [{use: nim/x, else: demo/hello}]}")

    assert findings[0] == ("note", "NVIDIA NIM has no key; others answer in its place")


def test_a_key_is_shown_by_its_end_only(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "nvapi-secret-000000001234")

    assert look(keys.HOP, "models: {coder: nim/x}") == [("ok", "NVIDIA NIM: key …1234")]


def test_without_any_key_only_the_demo_answers(look: Look) -> None:
    [(state, text)] = look(keys.HOP, "offer: available")

    assert state == "note"
    assert "only demo/… answers" in text
