"""`local:Trae`: mitmproxy takes the connections of one program, with nothing changed on the machine.

It is mitmproxy's own mode; here is only where it can work, so that a person reads
why not before they try. https://docs.mitmproxy.org/stable/concepts/modes/#local-capture
"""

import platform
import re
import shutil
import sys
from dataclasses import dataclass

LINUX = (6, 8)  # the first kernel whose eBPF mitmproxy supports
NAME_LENGTH = 16  # characters of a program's name that Linux keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides."""

    system: str = sys.platform
    release: str = platform.release()
    sudo: bool = bool(shutil.which("sudo"))


def obstacle(machine: Machine, mitmproxys: str | None) -> str | None:
    """Why it cannot work here, as a sentence; `mitmproxys` is mitmproxy's own reason, if it has one."""
    if machine.system not in ("win32", "darwin", "linux"):
        return f"mitmproxy captures programs on Windows, macOS and Linux only, not on {machine.system}."
    if machine.system == "linux":
        version = tuple(map(int, re.findall(r"\d+", machine.release)[:2]))
        if version < LINUX:
            return f"Linux {'.'.join(map(str, LINUX))} or newer is needed to capture a program; this is {machine.release}."
        if not machine.sudo:
            return "mitmproxy starts its Linux capture through sudo, and there is no sudo on this machine."
    return f"mitmproxy says: {mitmproxys}" if mitmproxys else None


def requirements(machine: Machine, app: str) -> str:
    """What a person has to grant or know."""
    if machine.system == "win32":
        return "Windows asks for administrator rights when it starts."
    if machine.system == "darwin":
        return "macOS asks once to allow mitmproxy's network extension (System Settings, Login Items & Extensions)."
    cut = (
        f" It goes by the first {NAME_LENGTH} characters of the program's name."
        if len(app) > NAME_LENGTH
        else ""
    )
    return "It asks for your password (sudo), and sees connections that begin after it has started." + cut
