"""The environment of an agent, made from nothing: what is not here cannot be read by its shell."""

import os
from collections.abc import Mapping
from pathlib import Path

from idetour.agent.tree import MARK

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
# A user's own settings that tools need and that hold no secrets.
KEPT = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")


def built(
    task: str, box: Path, more: Mapping[str, str], own: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """For one task, whose own folder is `box`; `more` says where its model is.

    No proxy is set: requests to our own gateway must not take a detour.
    """
    return {
        "PATH": own.get("PATH", DEFAULT_PATH),
        **{name: own[name] for name in KEPT if name in own},
        "LANG": own.get("LANG", "C.UTF-8"),
        "HOME": str(box / "home"),
        "TMPDIR": str(box / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "NO_PROXY": "127.0.0.1,localhost",
        MARK: task,
        **more,
    }


def passed_on(provider: str, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """For a run that goes to its provider directly: key and URL of that provider alone, as Trae Agent names them."""
    names = (f"{provider.upper()}_{what}" for what in ("API_KEY", "BASE_URL"))
    return {name: own[name] for name in names if name in own}
