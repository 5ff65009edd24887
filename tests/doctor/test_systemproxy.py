"""What is said of a desktop's setting; and GNOME's own, for real, in a session and a home of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ADDONS
from idetour.doctor.systemproxy import judged, url

OURS = "127.0.0.1:8080"


@pytest.mark.parametrize(
    ("through", "by_hosts", "alive", "state"),
    [
        ([], True, True, "ok"),
        (["127.0.0.1:8080"], True, True, "ok"),
        (["127.0.0.1 8080"], True, True, "ok"),  # macOS
        (["http://127.0.0.1:8080/proxy.pac"], False, True, "ok"),
        (["127.0.0.1:7890"], False, True, "note"),
        (["127.0.0.1:7890"], True, True, "broken"),
        (["127.0.0.1:7890"], False, False, "broken"),
        (["127.0.0.1 8080", "10.0.0.1 3128"], True, True, "broken"),  # one of two network services
    ],
)
def test_another_proxy_is_broken_where_it_hides_the_hosts_file_or_is_dead(
    through: list[str], by_hosts: bool, alive: bool, state: str
) -> None:
    assert judged(through, OURS, by_hosts=by_hosts, alive=alive).state == state


def test_the_proxy_is_named() -> None:
    assert judged(["127.0.0.1:7890"], OURS, by_hosts=True, alive=True).text.startswith(
        "the desktop's proxy is 127.0.0.1:7890: programs ask it"
    )


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("127.0.0.1:7890", "http://127.0.0.1:7890"),
        ("127.0.0.1 7890", "http://127.0.0.1:7890"),
        ("http=127.0.0.1:1;https=127.0.0.1:2", "http://127.0.0.1:1"),
        ("http://wpad/proxy.pac", "http://wpad/proxy.pac"),
    ],
)
def test_each_desktops_way_to_write_it_is_understood(setting: str, expected: str) -> None:
    assert url(setting) == expected


LOOK = """
from idetour.doctor import Road, systemproxy
for finding in systemproxy.HOP.look(Road(port=8080)):
    print(finding.state, finding.text)
"""


@pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gsettings")), reason="needs gsettings and a D-Bus"
)
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("manual", "broken the desktop's proxy is 127.0.0.1:9, where nobody listens\n"),
        ("none", "ok the desktop uses no proxy\n"),
    ],
)
def test_gnomes_setting_is_read(tmp_path: Path, mode: str, expected: str) -> None:
    proxy = "gsettings set org.gnome.system.proxy"
    script = f'{proxy}.https host 127.0.0.1; {proxy}.https port 9; {proxy} mode {mode}; "$0" -c "$LOOK"'
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "DBUS_"))}
    settings = {"HOME": str(tmp_path), "IDETOUR_HOME": str(tmp_path / "idetour"), "PYTHONPATH": str(ADDONS)}
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-ec", script, sys.executable],
        env={**kept, **settings, "LOOK": LOOK},
        capture_output=True,
        text=True,
        timeout=30,
    )
    if "No such schema" in done.stderr:
        pytest.skip("the desktop's schemas are not installed")

    assert done.stdout == expected, done.stderr
