"""The file of a login: the one that Qwen Code writes, field by field.

`oauth_creds.json` is the account `default`, `oauth_creds_NAME.json` any other.
Fields that we do not know stay as they are.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from idetour import disk
from idetour.accounts import NAME
from idetour.secret import Secret

FIRST = "default"
FILE = re.compile(rf"oauth_creds(?:_(?P<name>{NAME.pattern}))?\.json")
LARGEST = 1 << 20  # bytes; such a file has about two thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    access: Secret
    refresh: Secret
    expires: float  # seconds since 1970
    resource_url: str = ""  # where requests go, with or without scheme and `/v1`
    token_type: str = "Bearer"
    more: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)


def folder() -> Path:
    return Path.home() / ".qwen"


def path(folder: Path, name: str) -> Path:
    return folder / ("oauth_creds.json" if name == FIRST else f"oauth_creds_{name}.json")


def files(folder: Path) -> dict[str, Path]:
    """The accounts whose files lie in a folder, by name; none where it cannot be read."""
    try:
        found = {file: FILE.fullmatch(file.name) for file in sorted(folder.iterdir())}
    except OSError:
        return {}
    return {match["name"] or FIRST: file for file, match in found.items() if match}


def read(file: Path) -> Tokens:
    """Raises OSError, and ValueError where it holds no login."""
    with file.open("rb") as opened:
        return parse(opened.read(LARGEST))


def parse(content: bytes) -> Tokens:
    """Raises ValueError."""
    try:
        said = json.loads(content)
        access, refresh, kind = (said.pop(name) for name in ("access_token", "refresh_token", "token_type"))
        expires = said.pop("expiry_date") / 1000
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("it lacks a token or when that expires") from None
    resource = said.pop("resource_url", None) or ""
    texts = (access, refresh, kind, resource)
    if not all(isinstance(text, str) and text.isprintable() and text.isascii() for text in texts):
        raise ValueError("a token in it is no text")
    if not (access and refresh and kind):
        raise ValueError("a token in it is empty")
    return Tokens(
        access=Secret(access),
        refresh=Secret(refresh),
        expires=expires,
        resource_url=resource,
        token_type=kind,
        more=said,
    )


def write(file: Path, tokens: Tokens) -> None:
    """Old or new, never half of each, and closed to others. Raises OSError."""
    said = {
        "access_token": tokens.access.reveal(),
        "refresh_token": tokens.refresh.reveal(),
        "token_type": tokens.token_type,
        **({"resource_url": tokens.resource_url} if tokens.resource_url else {}),
        "expiry_date": round(tokens.expires * 1000),
        **tokens.more,
    }
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk.replace(file, json.dumps(said, indent=2).encode())
