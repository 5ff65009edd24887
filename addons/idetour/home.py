"""Where things live on this machine.

What comes with the product lies in the checkout, or in `idetour/data` of an
installed copy. What belongs to the user (profiles, certificates, state) lies
in one folder of their home, never in a checkout: keys would end up in git.
"""

import os
from contextlib import suppress
from pathlib import Path

from idetour.errors import SetupError

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]


def in_checkout() -> bool:
    """Whether this code runs from a source tree rather than from an installed wheel."""
    return (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "addons" / "addon.py").is_file()


def home() -> Path:
    """The user's folder: `IDETOUR_HOME`, else `~/.idetour`. It may not exist yet."""
    if chosen := os.environ.get("IDETOUR_HOME"):
        return Path(chosen).expanduser()
    return Path.home() / ".idetour"


def folder(name: str) -> Path:
    """A folder of the user's, made on demand and closed to others. Raises SetupError for another user's."""
    path = home() / name
    for each in (home(), path):  # each with its mode: `parents=True` would give the first one the default
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix":
        found = path.stat()
        if found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
            raise SetupError(
                f"{path} belongs to another user, who could put a token of their own there. "
                "Remove it, or choose another home: IDETOUR_HOME."
            )
        if found.st_mode & 0o022:  # others could put something in the place of what lies there
            with suppress(OSError):  # a file system without modes
                path.chmod(0o700)
    return path


def shipped(name: str) -> Path:
    """A file or folder that came with the product: `profiles` or `addon.py`."""
    if in_checkout():
        return CHECKOUT / ("addons/addon.py" if name == "addon.py" else name)
    return HERE / "data" / name
