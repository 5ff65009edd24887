"""Proxy variables, with real listeners and with none."""

import socket
from collections.abc import Callable

import pytest

from idetour.doctor import Road, environment
from idetour.doctor.environment import concerned, exempt, judged, shown

type Look = Callable[..., list[tuple[str, str]]]

HOSTS = ("api.openai.com",)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("", False),
        ("*", True),
        ("openai.com", True),
        (".openai.com", True),
        ("*.openai.com", True),
        ("localhost, api.openai.com", True),
        ("penai.com", False),
    ],
)
def test_what_no_proxy_leaves_out(listed: str, expected: bool) -> None:
    assert exempt("api.openai.com", listed) is expected


def test_each_variable_concerns_what_goes_through_it() -> None:
    assert concerned("HTTPS_PROXY", HOSTS, {}) == ["api.openai.com"]
    assert concerned("HTTP_PROXY", HOSTS, {}) == ["127.0.0.1"]
    assert concerned("ALL_PROXY", HOSTS, {"NO_PROXY": "127.0.0.1"}) == ["api.openai.com"]
    assert concerned("ALL_PROXY", HOSTS, {"no_proxy": "*", "NO_PROXY": ""}) == []


def test_a_dead_proxy_is_broken_and_the_remedy_names_the_hosts(
    road: Callable[..., Road], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port}")
    [finding] = environment.HOP.look(road())

    assert finding.state == "broken"
    assert finding.text == f"HTTPS_PROXY is http://127.0.0.1:{free_port}, where nobody listens"
    assert finding.remedy.endswith(
        "unset HTTPS_PROXY; or: export NO_PROXY=api.openai.com,127.0.0.1,localhost"
    )


def test_a_dead_proxy_that_is_not_asked_for_us_does_not_matter(
    look: Look, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("NO_PROXY", "api.openai.com")

    assert [state for state, _ in look(environment.HOP)] == ["ok"]


def test_a_proxy_that_lives_is_worth_a_note(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@127.0.0.1:{server.getsockname()[1]}")
        [(state, text)] = look(environment.HOP)

    assert state == "note"
    assert "secret" not in text


def test_a_proxy_goes_before_the_hosts_file() -> None:
    url, said = (
        "http://127.0.0.1:7890",
        judged("HTTPS_PROXY", "http://127.0.0.1:7890", [*HOSTS], alive=True, is_us=False, by_hosts=True),
    )

    assert said.state == "broken"
    assert (
        said.text
        == f"HTTPS_PROXY is {url}: programs ask it for api.openai.com, so the hosts file is not looked at"
    )


def test_a_proxy_that_is_idetour_is_as_it_should_be(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("ALL_PROXY", f"127.0.0.1:{port}")

        assert look(environment.HOP, port=port) == [
            ("ok", f"ALL_PROXY is idetour itself (http://127.0.0.1:{port})")
        ]


def test_without_variables_all_is_well(look: Look) -> None:
    assert look(environment.HOP) == [("ok", "no proxy variable is set in this terminal")]


def test_a_password_is_not_shown() -> None:
    assert shown("socks5://u:p@h:1080") == "socks5://h:1080"
