"""The latest requests, in memory."""

import json

import pytest
from msgspec import Raw

from idetour.gateway import lately
from idetour.gateway.lately import Lately


def asked(said: str) -> dict[str, Raw]:
    return {"model": Raw(b'"m"'), "messages": Raw(json.dumps([{"role": "user", "content": said}]).encode())}


def test_a_request_is_given_back_as_it_was_asked() -> None:
    kept = Lately()
    kept.remember("req_1", asked("重构"))

    assert json.loads(kept.body("req_1") or b"") == {
        "model": "m",
        "messages": [{"role": "user", "content": "重构"}],
    }
    assert kept.body("req_2") is None


def test_the_oldest_makes_room() -> None:
    kept = Lately()
    for number in range(lately.MOST + 1):
        kept.remember(f"req_{number}", asked("hi"))

    assert [kept.body(f"req_{number}") is None for number in (0, 1, lately.MOST)] == [True, False, False]


def test_a_very_long_one_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "MOST_BYTES", 100)
    kept = Lately()
    kept.remember("req_1", asked("x" * 100))

    assert kept.body("req_1") is None
