"""Ids and names that both protocols accept, so that each side gets its own back.

Anthropic takes ids of letters, digits, `_` and `-` alone, and never one twice;
OpenAI takes tool names of at most 64 characters, Anthropic of 128. Nothing is
remembered: an id that had to change carries the old one inside it, and a name
that was cut is found again among the request's own tools.
"""

import base64
import hashlib
import re
from collections.abc import Iterable

LONGEST = 64  # characters of a tool's name at OpenAI
_FIT = re.compile(r"[a-zA-Z0-9_-]+")
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
_WRAPPED = "toolu_as_"


def wrap(id: str) -> str:
    """A call's id as Anthropic takes it: `a:1` becomes `toolu_as_YTox`."""
    if _FIT.fullmatch(id) and not id.startswith(_WRAPPED):
        return id
    inside = base64.urlsafe_b64encode(id.encode(errors="surrogatepass")).decode().rstrip("=")
    return _WRAPPED + inside


def unwrap(id: str) -> str:
    """The id that `wrap` was given."""
    inside = id.removeprefix(_WRAPPED)
    if inside == id:
        return id
    try:
        found = base64.urlsafe_b64decode(inside + "=" * (-len(inside) % 4)).decode(errors="surrogatepass")
    except ValueError:
        return id
    return found if wrap(found) == id else id  # the decoder overlooks what is not its own


def cut(name: str) -> str:
    """A tool's name as OpenAI takes it: the end of one that is too long gives way to a digest of the whole."""
    fit = _UNFIT.sub("_", name)
    if fit == name and len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{fit[: LONGEST - 9]}_{digest}"


def uncut(names: Iterable[str]) -> dict[str, str]:
    """From names as `cut` leaves them to the names themselves, for those that changed."""
    return {short: name for name in names if (short := cut(name)) != name}
