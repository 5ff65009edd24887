"""Proxy settings, with a desktop that is a dictionary; GNOME's own, for real, is in desktops/test_gnome.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.takeover import UNDO, journal, systemproxy
from idetour.takeover.desktops import Desktop, Value, Way, windows

SET: dict[str, Value] = {
    "ProxyEnable": 1,
    "ProxyServer": "127.0.0.1:7890",
    "ProxyOverride": "*.corp;localhost",
}
NEVER_SET: dict[str, Value] = {}


class Registry(dict[str, Value]):
    def write(self, key: str, value: Value) -> None:
        if value is None:
            self.pop(key, None)
        else:
            self[key] = value

    @property
    def desktop(self) -> Desktop:
        return replace(
            windows.DESKTOP,
            read=self.get,
            write=self.write,
            plan=lambda way, address: windows.groups(way, address, self.get),
            refresh=lambda: None,
        )


@pytest.fixture
def registry(home: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry(SET)
    monkeypatch.setattr(systemproxy, "current", lambda: registry.desktop)
    monkeypatch.setattr(systemproxy, "BY_NAME", {"windows": registry.desktop})
    return registry


@pytest.mark.parametrize("before", [SET, NEVER_SET, {"AutoConfigURL": "http://corp/x.pac", "ProxyEnable": 0}])
@pytest.mark.parametrize("way", ["system-proxy", "pac"])
def test_what_was_set_comes_back(registry: Registry, before: dict[str, Value], way: Way) -> None:
    registry.clear()
    registry.update(before)
    systemproxy.on(way, "127.0.0.1:8080")
    assert registry != before

    for _ in range(2):
        journal.undo(UNDO)
        assert registry == before


def test_the_proxy_in_use_until_now_is_named(registry: Registry) -> None:
    assert systemproxy.on("system-proxy", "127.0.0.1:8080") == (
        "Until now this traffic went through 127.0.0.1:7890. While idetour is in its place, "
        "all but the model hosts goes direct.",
    )


def test_another_proxy_chosen_in_between_is_kept_with_all_that_belongs_to_it(registry: Registry) -> None:
    systemproxy.on("system-proxy", "127.0.0.1:8080")
    registry["ProxyServer"] = "proxy.corp:3128"
    chosen = dict(registry)

    assert journal.undo(UNDO).left == ()
    assert registry == chosen
    assert journal.entries() == []


def test_an_exception_added_in_between_is_kept_and_the_proxy_goes_back(registry: Registry) -> None:
    systemproxy.on("system-proxy", "127.0.0.1:8080")
    registry["ProxyOverride"] = "mine.example"
    journal.undo(UNDO)

    assert registry == {**SET, "ProxyOverride": "mine.example"}


def test_killed_between_any_two_values_all_come_back(registry: Registry) -> None:
    """An entry is written before the first value; here the rest of the values never were."""
    (group,) = windows.groups("system-proxy", "127.0.0.1:8080", registry.get)
    for written in range(len(group.values) + 1):
        journal.note("settings", systemproxy._data(registry.desktop, group))
        for value in group.values[:written]:
            registry.write(value.key, value.ours)
        journal.undo(UNDO)
        assert registry == SET


def test_a_second_takeover_is_refused_and_says_who_has_it(registry: Registry) -> None:
    systemproxy.on("pac", "127.0.0.1:8080", held=True)
    with pytest.raises(SetupError, match=r"taken over already, by idetour \(pid \d+\)"):
        systemproxy.on("system-proxy", "127.0.0.1:9090")
    journal.undo(UNDO)

    systemproxy.on("pac", "127.0.0.1:8080")
    with pytest.raises(SetupError, match="taken over already, since 20"):
        systemproxy.on("pac", "127.0.0.1:8080")


def test_a_desktop_that_does_not_take_the_setting_is_left_as_it_was(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = replace(registry.desktop, write=lambda key, value: None)
    monkeypatch.setattr(systemproxy, "current", lambda: stubborn)

    with pytest.raises(SetupError, match="did not take the new proxy setting"):
        systemproxy.on("system-proxy", "127.0.0.1:8080")
    assert registry == SET
    assert journal.entries() == []


def test_without_a_desktop_the_variables_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemproxy, "current", lambda: None)

    with pytest.raises(SetupError, match="export HTTPS_PROXY=http://127"):
        systemproxy.on("system-proxy", "127.0.0.1:8080")


def test_variables_are_written_as_the_terminal_of_the_system_takes_them() -> None:
    assert systemproxy.exports("127.0.0.1:8080", "linux") == (
        "export HTTPS_PROXY=http://127.0.0.1:8080 NO_PROXY=localhost,127.0.0.1,::1"
    )
    assert systemproxy.exports("127.0.0.1:8080", "win32").splitlines() == [
        '$env:HTTPS_PROXY = "http://127.0.0.1:8080"',
        '$env:NO_PROXY = "localhost,127.0.0.1,::1"',
    ]
