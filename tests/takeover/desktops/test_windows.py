"""The values for Windows' registry. Writing them was not run: there was no Windows."""

import sys

import pytest

from idetour.takeover.desktops import windows
from idetour.takeover.desktops.desktop import Setting, Value

ADDRESS = "127.0.0.1:8080"
EMPTY: dict[str, Value] = {}


def test_a_proxy_is_a_server_its_exceptions_and_a_switch_in_this_order() -> None:
    (group,) = windows.groups("system-proxy", ADDRESS, EMPTY.get)

    assert group.values == (
        Setting("ProxyServer", "127.0.0.1:8080", decides=True),
        Setting("ProxyOverride", "localhost;127.*;[::1];<local>"),
        Setting("AutoConfigURL", None),
        Setting("ProxyEnable", 1),
    )
    assert group.through == ""


def test_a_users_exceptions_stay_in_front() -> None:
    (group,) = windows.groups("system-proxy", ADDRESS, {"ProxyOverride": "*.corp;<local>"}.get)

    assert group.values[1].ours == "*.corp;<local>;localhost;127.*;[::1]"


def test_a_pac_file_is_one_value() -> None:
    (group,) = windows.groups("pac", ADDRESS, EMPTY.get)

    assert group.values == (Setting("AutoConfigURL", "http://127.0.0.1:8080/proxy.pac", decides=True),)


@pytest.mark.parametrize(
    ("before", "through"),
    [
        ({"ProxyEnable": 1, "ProxyServer": "127.0.0.1:7890"}, "127.0.0.1:7890"),
        ({"ProxyEnable": 0, "ProxyServer": "127.0.0.1:7890"}, ""),
        ({"ProxyEnable": 1, "ProxyServer": "a:1", "AutoConfigURL": "http://corp/x.pac"}, "http://corp/x.pac"),
    ],
)
def test_what_was_in_use_is_known(before: dict[str, Value], through: str) -> None:
    (group,) = windows.groups("pac", ADDRESS, before.get)

    assert group.through == through


@pytest.mark.skipif(sys.platform != "win32", reason="Windows has a registry")
def test_the_registry_is_read() -> None:
    assert windows.read("ProxyEnable") in (None, 0, 1)
