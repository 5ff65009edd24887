"""Addons without work are taken out, and only those."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.proxy.lean import IDLE
from proxy.conftest import Proxy
from upstream import until

CHAT = "https://api.openai.com/v1/chat/completions"


@pytest.fixture
def profile(profile_file: Callable[..., Path]) -> Path:
    return profile_file("models: {gpt-4o: demo/hello}")


def names(running: Proxy) -> set[str]:
    return set(running.master.addons.lookup)


def test_what_has_nothing_to_do_is_gone(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    assert until(lambda: not names(running) & IDLE.keys())
    assert {"proxyserver", "nextlayer", "tlsconfig", "clientplayback", "door", "engine"} <= names(running)


def test_all_stay_where_flows_are_displayed(proxy: Callable[..., Proxy], profile: Path) -> None:
    assert names(proxy(profile, display=True)) >= IDLE.keys()


def test_one_that_was_given_work_stays_and_does_it(
    proxy: Callable[..., Proxy], profile: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "flows.mitm"
    running = proxy(profile, save_stream_file=str(saved))
    assert until(lambda: "cut" not in names(running))
    with running.client() as client:
        client.get("https://api.openai.com/v1/models")
    assert until(lambda: saved.exists() and b"/v1/models" in saved.read_bytes())


def test_every_name_is_one_of_mitmproxys(proxy: Callable[..., Proxy], profile: Path) -> None:
    known = proxy(profile, display=True)
    assert [name for name in IDLE if name not in names(known)] == []
    options = [option for several in IDLE.values() for option in several]
    assert [option for option in options if option not in known.master.options] == []
