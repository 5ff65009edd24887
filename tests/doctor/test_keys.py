import sys
from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize(("mode", "above", "told"), [(0o644, 0o755, 1), (0o600, 0o755, 0), (0o644, 0o700, 0)])
def test_a_file_of_keys_that_others_can_read_is_told(home: Path, mode: int, above: int, told: int) -> None:
    home.mkdir()
    home.chmod(above)
    (home / ".env").touch(mode=mode)
    (home / ".env").chmod(mode)

    assert len([*keys.open_to_others(home / ".env")]) == told
