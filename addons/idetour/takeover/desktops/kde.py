"""KDE Plasma: `kioslaverc`, by its own tools, version 6 or 5. Chromium and Electron look there, too.

A key is one of the group `Proxy Settings`. Only HTTPS goes through us.
"""

import shutil
from contextlib import suppress

from idetour import system
from idetour.errors import SetupError
from idetour.takeover.desktops.desktop import Desktop, Group, Setting, Value, Way, pac_url, with_bypass

WHERE = ("--file", "kioslaverc", "--group", "Proxy Settings", "--key")
NONE, MANUAL, PAC = (
    "0",
    "1",
    "2",
)  # ProxyType; https://invent.kde.org/frameworks/kio, KProtocolManager::ProxyType
TOLD = (
    "dbus-send",
    "--type=signal",
    "/KIO/Scheduler",
    "org.kde.KIO.Scheduler.reparseSlaveConfiguration",
    "string:",
)


def tools() -> tuple[str, str] | None:
    """The programs that read and write."""
    for version in ("6", "5"):
        if shutil.which(f"kreadconfig{version}") and shutil.which(f"kwriteconfig{version}"):
            return f"kreadconfig{version}", f"kwriteconfig{version}"
    return None


def read(key: str) -> Value:
    return system.run([_tools()[0], *WHERE, key]).check().out.strip() or None


def write(key: str, value: Value) -> None:
    system.run([_tools()[1], *WHERE, key, *(("--delete", "") if value is None else (str(value),))]).check()


def plan(way: Way, address: str) -> tuple[Group, ...]:
    kind, script = read("ProxyType"), read("Proxy Config Script")
    values: tuple[Setting, ...]
    if way == "pac":
        values = (Setting("Proxy Config Script", pac_url(address), decides=True), Setting("ProxyType", PAC))
    else:
        exceptions = [each for each in str(read("NoProxyFor") or "").split(",") if each]
        values = (
            Setting("httpsProxy", f"http://{' '.join(address.rsplit(':', 1))}", decides=True),
            Setting("NoProxyFor", ",".join(with_bypass(exceptions))),
            Setting("ReversedException", "false"),
            Setting("ProxyType", MANUAL),
        )
    through = {"None": "", NONE: "", MANUAL: read("httpsProxy"), PAC: script}.get(
        str(kind), "an automatic setting"
    )
    return (Group(title="KDE", values=values, through=str(through or "")),)


def refresh() -> None:
    """Tell running programs; without a session nobody is there to be told."""
    if shutil.which(TOLD[0]):
        with suppress(SetupError):
            system.run(TOLD, timeout=5)


def _tools() -> tuple[str, str]:
    if (found := tools()) is None:
        raise SetupError("kreadconfig and kwriteconfig are not on this machine.")
    return found


DESKTOP = Desktop(name="kde", read=read, write=write, plan=plan, refresh=refresh)
