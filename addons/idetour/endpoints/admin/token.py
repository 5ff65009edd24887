"""The admin token: a file in the user's home that nobody else can read.

Being on this machine is not enough: so is every page that a browser shows.
"""

import secrets
from pathlib import Path

from idetour import disk
from idetour.errors import SetupError
from idetour.secret import Secret

FILE = "admin-token"
BYTES = 32  # of randomness
LENGTH = 43  # characters in which they are written


def token(folder: Path) -> Secret:
    """The token of the home whose folder this is, made when it is first wanted. Raises SetupError, OSError."""
    with disk.locked(folder):
        if (found := stored(folder)) is None:
            disk.create(folder / FILE, secrets.token_urlsafe(BYTES).encode())
            found = stored(folder)
    assert found
    return found


def stored(folder: Path) -> Secret | None:
    """The token, if there is one. Raises SetupError for a file that holds none: an empty one would open to all."""
    path = folder / FILE
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SetupError(f"The admin token cannot be read from {path}: {error}.") from error
    if len(text) < LENGTH:
        raise SetupError(f"{path} holds no admin token. Remove it; the next start makes a new one.")
    return Secret(text)
