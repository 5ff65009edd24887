"""KDE's settings: the exact commands, and a round by stand-ins for its tools. Plasma itself was not run."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from idetour.takeover import UNDO, desktops, journal, systemproxy
from idetour.takeover.desktops import kde

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stand-ins are scripts with a first line")
READS = "print(state.get(argv[-1], ''))"
WRITES = "state.pop(argv[5]) if '--delete' in argv else state.__setitem__(argv[5], argv[6])"
type Tool = Callable[[str, str], Path]


@pytest.fixture
def plasma(
    home: Path, tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, str]]:
    """kreadconfig and kwriteconfig over one file; returns what is set."""
    tool("kreadconfig6", READS)
    tool("kwriteconfig6", WRITES)
    (tmp_path / "kreadconfig6.json").unlink()
    (tmp_path / "kreadconfig6.json").symlink_to(tmp_path / "kwriteconfig6.json")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    monkeypatch.setattr("sys.platform", "linux")
    return lambda: json.loads((tmp_path / "kwriteconfig6.json").read_text())


def test_kde_is_found_where_its_session_and_its_tools_are(
    plasma: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desktops.current() is kde.DESKTOP
    monkeypatch.setenv("PATH", "/nowhere")
    assert desktops.current() is None


def test_https_alone_comes_here_and_goes_back(plasma: Callable[[], dict[str, str]], tmp_path: Path) -> None:
    kde.write("NoProxyFor", "nas,localhost")
    before = plasma()
    systemproxy.on("system-proxy", "127.0.0.1:8080")
    assert plasma() == {
        "httpsProxy": "http://127.0.0.1 8080",
        "NoProxyFor": "nas,localhost,127.0.0.1,::1",
        "ReversedException": "false",
        "ProxyType": "1",
    }

    journal.undo(UNDO)
    assert plasma() == before
    calls = [json.loads(line) for line in (tmp_path / "kwriteconfig6.calls").read_text().splitlines()]
    assert calls[-1] == [
        "--file",
        "kioslaverc",
        "--group",
        "Proxy Settings",
        "--key",
        "httpsProxy",
        "--delete",
        "",
    ]


def test_a_pac_file_and_the_users_proxy_that_it_replaces(plasma: Callable[[], dict[str, str]]) -> None:
    kde.write("ProxyType", "1")
    kde.write("httpsProxy", "http://proxy.corp 3128")

    (remark,) = systemproxy.on("pac", "127.0.0.1:8080")
    assert "went through http://proxy.corp 3128." in remark
    assert plasma()["ProxyType"] == "2"
    assert plasma()["Proxy Config Script"] == "http://127.0.0.1:8080/proxy.pac"
