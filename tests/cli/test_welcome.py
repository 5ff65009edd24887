"""What `idetour run` says once it listens."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idetour.cli.welcome import address, start_screen
from idetour.profile.catalog import load
from idetour.profile.read import read


@pytest.fixture
def screen(profile_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is shown for a profile: `screen("models: …", host="::1")`."""

    def shown(text: str, host: str = "127.0.0.1", modes: tuple[str, ...] = (), **env: Any) -> str:
        start_screen(read(profile_file(text), catalog=load(env=env), env=env), host, 8080, modes)
        return capsys.readouterr().out

    return shown


def test_the_start_screen_says_all_that_an_ide_asks_for(screen: Callable[..., str]) -> None:
    said = screen("models: { coder: nim/x, mine: demo/slow }")
    assert re.sub(r"#token=[\w-]{43} ", "#token=… ", said).splitlines()[1:] == [
        "  Base URL    http://127.0.0.1:8080/v1",
        "  Model       mine",
        "  API key     anything",
        "  Dashboard   http://127.0.0.1:8080/admin#token=…  (works once)",
        "  As a proxy  http://127.0.0.1:8080 intercepts api.openai.com; trust `idetour cert path` for it",
        "  No key yet  NVIDIA NIM (NVIDIA_API_KEY)",
        "",
        "Try it:",
        "curl -N http://127.0.0.1:8080/v1/chat/completions"
        """ -d '{"model":"mine","stream":true,"messages":[{"role":"user","content":"hello"}]}'""",
        "",
    ]


def test_the_screen_fits_when_much_is_offered(screen: Callable[..., str]) -> None:
    shown = screen("offer: available", NVIDIA_API_KEY="nvapi-test-000")

    assert len(shown.splitlines()) <= 11
    assert " more (idetour models)" in shown
    assert "nvapi-test" not in shown


def test_an_access_key_is_asked_for_and_not_shown(screen: Callable[..., str]) -> None:
    shown = screen("models: { m: demo/hello }\naccess: [$TEAM]", TEAM="secret-of-the-team")

    assert "an access key (TEAM)" in shown
    assert "Bearer YOUR_ACCESS_KEY" in shown
    assert "secret-of-the-team" not in shown


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("::1", "http://[::1]:8080/v1"),
        ("0.0.0.0", "http://127.0.0.1:8080/v1"),  # and a line for others
        ("::", "http://[::1]:8080/v1"),
        ("192.168.1.7", "http://192.168.1.7:8080/v1"),
    ],
)
def test_the_address_is_one_that_can_be_typed(screen: Callable[..., str], host: str, base: str) -> None:
    assert f"Base URL    {base}\n" in screen("models: { m: demo/hello }", host=host)


def test_others_are_told_this_machines_own_address(screen: Callable[..., str]) -> None:
    own = address(4)
    if own is None or own.startswith("127."):
        pytest.skip("this machine has no network")
    shown = screen("models: { m: demo/hello }", host="0.0.0.0")

    assert f"listening on http://{own}:8080\n" in shown
    assert f"For others  http://{own}:8080/v1\n" in shown


def test_an_address_of_the_lan_is_the_only_one_that_is_shown(screen: Callable[..., str]) -> None:
    shown = screen("models: { m: demo/hello }", host="192.168.1.7")

    assert "listening on http://192.168.1.7:8080\n" in shown
    assert "127.0.0.1" not in shown
    assert "For others" not in shown


def test_of_many_vendors_without_a_key_four_are_named_each_once(screen: Callable[..., str]) -> None:
    [line] = [each for each in screen("offer: available").splitlines() if "No key yet" in each]

    assert line.count("_KEY)") == 4
    assert line.endswith(" more (idetour models --all)")
    assert line.count("Alibaba") == 1


def test_more_modes_are_named(screen: Callable[..., str]) -> None:
    assert "listening on http://127.0.0.1:8080, local\n" in screen(
        "models: { m: demo/hello }", modes=("local",)
    )
