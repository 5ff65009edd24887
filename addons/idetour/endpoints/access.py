"""Who may ask: a key if one is set, our own names in `Host`, no web page from elsewhere.

The last two keep a page in the user's browser from spending their keys
(DNS rebinding and cross-site requests); being on loopback alone does not.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from idetour.errors import Forbidden, Unauthorized
from idetour.profile import Profile
from idetour.secret import Secret

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def presented_key(headers: Mapping[str, str]) -> Secret | None:
    """The key the client sent, as OpenAI (`Authorization: Bearer`) or Anthropic (`x-api-key`) clients do."""
    if key := headers.get("x-api-key"):
        return Secret(key)
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return Secret(value.strip()) if scheme.lower() == "bearer" and value.strip() else None


def check_key(profile: Profile, headers: Mapping[str, str]) -> None:
    """Raises Unauthorized where access keys are asked for and the presented one is none of them.

    A variable that should hold keys and is empty lets nobody in, rather than everybody.
    """
    if not (profile.access or profile.access_names):
        return
    presented = presented_key(headers)
    if presented is None:
        raise Unauthorized(
            "This idetour asks for a key: send `Authorization: Bearer …` with one of its access keys."
        )
    matches = [
        key.matches(presented.reveal()) for key in profile.access
    ]  # all of them: the time must not tell which
    if not any(matches):
        raise Unauthorized(
            f"The key {presented} is not one of this idetour's access keys. Type one of them into the IDE."
        )


def check_host(headers: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Raises Forbidden for a `Host` that is not a name of ours."""
    if (host := hostname(headers.get("host", ""))) not in LOOPBACK | allowed:
        raise Forbidden(
            f"Host {host!r} is not a name of this idetour. Ask for http://127.0.0.1 or http://localhost."
        )


def check_origin(headers: Mapping[str, str], allowed: frozenset[str]) -> str | None:
    """The web origin that asked, if any. Raises Forbidden for one that is not on this machine or not allowed.

    Only `http`, `https` and `null` are web pages; an IDE's own window has an origin of its own scheme
    (`vscode-file://…`), which no page can claim.
    """
    origin = headers.get("origin")
    if origin is None:
        if headers.get("sec-fetch-site") == "cross-site":
            raise Forbidden("Requests from other web sites are refused.")
        return None
    scheme, netloc, *_ = urlsplit(origin)
    from_web = scheme in ("http", "https") or origin == "null"
    if from_web and origin not in allowed and hostname(netloc) not in LOOPBACK:
        raise Forbidden(f"The web page {origin} may not use this idetour.")
    return origin


def hostname(authority: str) -> str:
    """`host:port` without the port, in lower case; anything odd (user info, spaces) stays and matches nothing."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return (
        authority.rpartition(":")[0].lower() if authority.rpartition(":")[2].isdigit() else authority.lower()
    )
