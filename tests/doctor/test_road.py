from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Serving
from idetour.doctor import Road
from idetour.doctor.road import addresses, proxies
from idetour.errors import SetupError
from idetour.takeover import journal


def test_all_addresses_of_a_host_are_found_in_a_hosts_file() -> None:
    text = b"\xef\xbb\xbf# 1.2.3.4 api.openai.com\r\n127.0.0.1 x API.openai.com # ours\r\n::1\tapi.openai.com\r\n"

    assert addresses(text, "api.openai.com") == ["127.0.0.1", "::1"]
    assert addresses(b"", "api.openai.com") == []


def test_a_small_letter_variable_hides_its_twin_and_a_scheme_is_added() -> None:
    found = proxies(
        {"https_proxy": "127.0.0.1:7890", "HTTPS_PROXY": "http://other:1", "ALL_PROXY": "socks5://h:1080"}
    )

    assert found == [("HTTPS_PROXY", "http://127.0.0.1:7890"), ("ALL_PROXY", "socks5://h:1080")]


def test_without_a_takeover_nobody_is_led_here(road: Callable[..., Road]) -> None:
    assert road().ways == frozenset()


def test_a_takeover_in_the_journal_leads_here(road: Callable[..., Road]) -> None:
    made = road()
    journal.note("hosts", {"path": "/etc/hosts", "hosts": ["api.openai.com"], "existed": True})

    assert made.ways == {"hosts"}


def test_a_proxy_variable_that_is_us_leads_here(
    road: Callable[..., Road], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://localhost:18080")

    assert road(port=18080).ways == {"proxy"}
    assert road(port=18081).ways == frozenset()


def test_the_name_asked_for_is_the_first_that_can_answer(
    road: Callable[..., Road], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "models: {a: nim/x, b: dashscope/y, c: demo/hello}"

    assert road(text, model="a").asked == "a"
    assert road(text).asked == "c"
    assert road("models: {a: nim/x}").asked == "demo/hello"
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-0000")
    assert road(text).asked == "b"


def test_without_a_profile_named_it_is_the_one_that_runs(
    serving: Callable[..., Serving], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: {mine: demo/hello}", name="default.yaml")
    running = serving(path)

    assert Road(port=running.port).profile.name == "default"


def test_what_answers_and_is_not_idetour_is_told_apart(road: Callable[..., Road], free_port: int) -> None:
    with pytest.raises(SetupError, match="No idetour answers"):
        _ = road(port=free_port).health
