"""Who may ask: a key if one is set, our own names in `Host`, no web page from elsewhere.

The last two keep a page in the user's browser from spending their keys
(DNS rebinding and cross-site requests); being on loopback alone does not.
"""

import re
from collections.abc import Mapping

from idetour.errors import Forbidden, Unauthorized
from idetour.profile import Profile
from idetour.secret import Secret

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/?#\s]+)(?::[0-9]+)?")
CREDENTIALS = ("x-api-key", "api-key", "authorization")
GRANTED = "idt-"  # how the tokens of tasks begin: see grants.py


def presented(headers: Mapping[str, str]) -> dict[str, Secret]:
    """The keys that came, by header: as the clients of Anthropic, Azure and OpenAI send them."""
    found = {name: headers[name] for name in CREDENTIALS if headers.get(name)}
    scheme, _, value = found.pop("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        found["authorization"] = value.strip()
    return {name: Secret(value) for name, value in found.items()}


def ours(profile: Profile, key: Secret) -> bool:
    """Whether it is an access key. All are compared: the time must not tell which it was."""
    matches = [each.matches(key.reveal()) for each in profile.access]
    return any(matches)


def check_key(profile: Profile, headers: Mapping[str, str]) -> None:
    """Raises Unauthorized where access keys are set and none was presented."""
    if not profile.access:
        return
    keys = presented(headers).values()
    if not keys:
        raise Unauthorized(
            "This idetour asks for a key: send `Authorization: Bearer …` with one of its access keys."
        )
    if not any(ours(profile, key) for key in keys):
        raise Unauthorized(
            f"The key {next(iter(keys))} is not one of this idetour's access keys. Type one of them into the IDE."
        )


def client_key(profile: Profile, headers: Mapping[str, str]) -> Secret | None:
    """The client's own key, which may be sent on: whatever it presented but our access keys and a task's token."""
    keys = (key for key in presented(headers).values() if not key.reveal().startswith(GRANTED))
    return next((key for key in keys if not ours(profile, key)), None)


def access_mark(profile: Profile, headers: Mapping[str, str]) -> str:
    """Which access key was presented, as it may be shown: `…1234`. Empty where none was."""
    return next((str(key) for key in presented(headers).values() if ours(profile, key)), "")


def check_host(headers: Mapping[str, str], allowed: frozenset[str]) -> None:
    """Raises Forbidden for a `Host` that is not a name of ours."""
    host = headers.get("host", "")
    if hostname(host) not in LOOPBACK | allowed:
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
    scheme, named, authority = origin.partition("://")
    from_web = scheme.lower() in ("http", "https") or not named
    if from_web and origin not in allowed and hostname(authority) not in LOOPBACK:
        raise Forbidden(f"The web page {origin!r} may not use this idetour.")
    return origin


def hostname(authority: str) -> str | None:
    """`host:port` without the port, in lower case; None for anything odd (user info, spaces, two hosts)."""
    match = AUTHORITY.fullmatch(authority.lower())
    return match[1] if match else None
