"""GNOME, and the desktops that share its settings (Cinnamon, Unity, Budgie …): `gsettings`.

A key is `schema name`, a value the text that gsettings prints and takes (GVariant).
Chromium, Electron and Firefox look here. Only HTTPS goes through us.
"""

import ast
import os
import shutil
from pathlib import Path

from idetour import system
from idetour.errors import SetupError
from idetour.takeover.desktops.desktop import Desktop, Group, Setting, Value, Way, pac_url, with_bypass

SCHEMA = "org.gnome.system.proxy"
HOST, PORT = f"{SCHEMA}.https host", f"{SCHEMA}.https port"
MODE, SCRIPT, EXCEPT = f"{SCHEMA} mode", f"{SCHEMA} autoconfig-url", f"{SCHEMA} ignore-hosts"


def present() -> bool:
    """Whether there is a session with these settings; a server may have the tool without either."""
    bus = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere")) / "bus"
    if not shutil.which("gsettings") or not (os.environ.get("DBUS_SESSION_BUS_ADDRESS") or bus.exists()):
        return False
    return system.run(["gsettings", "writable", *MODE.split()]).out == "true\n"


def read(key: str) -> Value:
    return system.run(["gsettings", "get", *key.split()]).check().out.strip()


def write(key: str, value: Value) -> None:
    system.run(["gsettings", "set", *key.split(), str(value)]).check()


def plan(way: Way, address: str) -> tuple[Group, ...]:
    host, _, port = address.rpartition(":")
    values: tuple[Setting, ...]
    if way == "pac":
        values = (Setting(SCRIPT, f"'{pac_url(address)}'", decides=True), Setting(MODE, "'auto'"))
    else:
        values = (
            Setting(HOST, f"'{host}'", decides=True),
            Setting(PORT, port, decides=True),
            Setting(EXCEPT, str(with_bypass(listed(str(read(EXCEPT)))))),
            Setting(MODE, "'manual'"),
        )
    through = {
        "'manual'": f"{unquoted(HOST)}:{read(PORT)}",
        "'auto'": unquoted(SCRIPT) or "an automatic setting",
    }
    return (Group(title="GNOME", values=values, through=through.get(str(read(MODE)), "")),)


def listed(text: str) -> list[str]:
    """`['localhost', '::1']`, or `@as []` for none. Raises SetupError."""
    try:
        return [str(each) for each in ast.literal_eval(text.removeprefix("@as "))]
    except (ValueError, SyntaxError, TypeError) as error:
        raise SetupError(f"gsettings said {text!r} where it should have listed hosts.") from error


def unquoted(key: str) -> str:
    return str(read(key)).strip("'\"")


def refresh() -> None:
    """Programs are told by the system."""


DESKTOP = Desktop(name="gnome", read=read, write=write, plan=plan, refresh=refresh)
