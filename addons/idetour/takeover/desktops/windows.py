"""Windows: the registry values of the current user that WinINet, Chromium and Electron look at.

https://learn.microsoft.com/windows/win32/wininet/setting-and-retrieving-internet-options
"""

import sys
from collections.abc import Callable

from idetour.errors import SetupError
from idetour.takeover.desktops.desktop import Desktop, Group, Setting, Value, Way, pac_url, with_bypass

PATH = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
BYPASS = ("localhost", "127.*", "[::1]", "<local>")
SETTINGS_CHANGED, REFRESH = 39, 37  # INTERNET_OPTION_…


def groups(way: Way, address: str, read: Callable[[str], Value]) -> tuple[Group, ...]:
    """What to set, given what is set. One proxy for all schemes: programs disagree on how to read others."""
    server, script = read("ProxyServer") if read("ProxyEnable") else None, read("AutoConfigURL")
    values: tuple[Setting, ...]
    if way == "pac":
        values = (Setting("AutoConfigURL", pac_url(address), decides=True),)
    else:
        bypass = [each for each in str(read("ProxyOverride") or "").split(";") if each]
        values = (
            Setting("ProxyServer", address, decides=True),
            Setting("ProxyOverride", ";".join(with_bypass(bypass, BYPASS))),
            Setting("AutoConfigURL", None),  # it would go before the proxy
            Setting("ProxyEnable", 1),
        )
    return (Group(title="Windows", values=values, through=str(script or server or "")),)


if sys.platform == "win32":
    import ctypes
    import winreg

    def read(key: str) -> Value:
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, PATH) as folder:
                value, _ = winreg.QueryValueEx(folder, key)
        except OSError:
            return None
        return value if isinstance(value, int) else str(value)

    def write(key: str, value: Value) -> None:
        try:
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, PATH) as folder:
                if value is None:
                    if read(key) is not None:
                        winreg.DeleteValue(folder, key)
                elif isinstance(value, int):
                    winreg.SetValueEx(folder, key, 0, winreg.REG_DWORD, value)
                else:
                    winreg.SetValueEx(folder, key, 0, winreg.REG_SZ, value)
        except OSError as error:
            raise SetupError(f"The registry value {key} cannot be set: {error.strerror}.") from error

    def refresh() -> None:
        for option in (SETTINGS_CHANGED, REFRESH):
            ctypes.windll.wininet.InternetSetOptionW(None, option, None, 0)
else:

    def read(key: str) -> Value:
        raise SetupError(f"{key} is in the registry of Windows, and this is not Windows.")

    def write(key: str, value: Value) -> None:
        read(key)

    def refresh() -> None: ...


DESKTOP = Desktop(
    name="windows",
    read=read,
    write=write,
    plan=lambda way, address: groups(way, address, read),
    refresh=refresh,
)
