"""GNOME's settings, for real: gsettings and dconf in a session and a home of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from idetour.errors import SetupError
from idetour.takeover.desktops import gnome

SESSION = pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gsettings")), reason="needs gsettings and a D-Bus"
)
SOURCE = Path(gnome.__file__).parents[3]
CODE = """
import sys
from idetour.takeover import UNDO, desktops, journal, systemproxy
assert desktops.current() is desktops.BY_NAME["gnome"]
before = {key: desktops.gnome.read(key) for key in (*sys.argv[2:],)}
print(*systemproxy.on(sys.argv[1], "127.0.0.1:8080"), sep="\\n")
for key in before:
    print(key.removeprefix("org.gnome.system.proxy").strip(), desktops.gnome.read(key))
print(len(journal.undo(UNDO).undone), before == {key: desktops.gnome.read(key) for key in before})
"""


def session(tmp_path: Path, way: str, *setup: str) -> list[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "DBUS_"))}
    settings = {"HOME": str(tmp_path), "IDETOUR_HOME": str(tmp_path / "idetour"), "PYTHONPATH": str(SOURCE)}
    keys = [gnome.HOST, gnome.PORT, gnome.EXCEPT, gnome.MODE, gnome.SCRIPT]
    script = "; ".join([*setup, '"$0" -c "$CODE" "$@"'])
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-ec", script, sys.executable, way, *keys],
        env={**environment, **settings, "CODE": CODE, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    if "No such schema" in done.stderr:
        pytest.skip("the desktop's schemas are not installed")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@SESSION
def test_https_alone_comes_here_and_goes_back(tmp_path: Path) -> None:
    assert session(tmp_path, "system-proxy") == [
        "",
        ".https host '127.0.0.1'",
        ".https port 8080",
        "ignore-hosts ['localhost', '127.0.0.0/8', '::1', '127.0.0.1']",
        "mode 'manual'",
        "autoconfig-url ''",
        "1 True",
    ]


@SESSION
def test_a_pac_file_takes_the_place_of_a_users_proxy_which_is_named_and_comes_back(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        "pac",
        "gsettings set org.gnome.system.proxy.https host proxy.corp",
        "gsettings set org.gnome.system.proxy.https port 3128",
        "gsettings set org.gnome.system.proxy mode manual",
    )

    assert said[0].startswith("Until now this traffic went through proxy.corp:3128.")
    assert said[-3:] == ["mode 'auto'", "autoconfig-url 'http://127.0.0.1:8080/proxy.pac'", "1 True"]


@pytest.mark.parametrize(("text", "hosts"), [("['a', '::1']", ["a", "::1"]), ("@as []", [])])
def test_lists_are_read_as_gsettings_prints_them(text: str, hosts: list[str]) -> None:
    assert gnome.listed(text) == hosts


def test_a_list_that_is_none_is_a_sentence() -> None:
    with pytest.raises(SetupError, match="should have listed hosts"):
        gnome.listed("No such key")


def test_without_a_session_there_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")

    assert not gnome.present()
