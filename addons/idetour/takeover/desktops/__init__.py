"""Where each desktop keeps its proxy, one file per desktop.

A file knows three things: how to read and write a value by its key, and which
values make us the proxy. What was before, and what comes back, is its caller's.
"""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

from idetour.takeover.desktops import gnome, kde, macos, windows
from idetour.takeover.desktops.desktop import Desktop, Group, Setting, Value, Way

__all__ = ["BY_NAME", "Desktop", "Group", "Setting", "Value", "Way", "current"]

ALL: tuple[Desktop, ...] = (windows.DESKTOP, macos.DESKTOP, kde.DESKTOP, gnome.DESKTOP)
BY_NAME: Mapping[str, Desktop] = MappingProxyType({each.name: each for each in ALL})


def current() -> Desktop | None:
    """The one whose setting this user's programs look at; None: there is none, only variables."""
    if sys.platform == "win32":
        return windows.DESKTOP
    if sys.platform == "darwin":
        return macos.DESKTOP
    if "KDE" in os.environ.get("XDG_CURRENT_DESKTOP", "").split(":") and kde.tools():
        return kde.DESKTOP
    return gnome.DESKTOP if gnome.present() else None
