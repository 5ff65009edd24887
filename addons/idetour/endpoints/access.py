"""Who may ask: a key if one is set or another machine asks, our own names in `Host`, no web page from elsewhere.

The last two keep a page in the user's browser from spending their keys
(DNS rebinding and cross-site requests); being on loopback alone does not.
"""

from collections.abc import Collection, Mapping

from idetour.addresses import LOOPBACK, hostname, is_loopback
from idetour.errors import Forbidden, Unauthorized
from idetour.profile import Profile
from idetour.secret import Secret

CREDENTIALS = ("x-api-key", "api-key", "authorization")
FORWARDED = ("x-forwarded-for", "x-real-ip", "forwarded")  # in which a proxy says for whom it asks
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


def check_key(profile: Profile, headers: Mapping[str, str], *, local: bool) -> None:
    """Raises Unauthorized where an access key is needed and none was presented.

    None is needed by programs on this machine, where none was to be set.
    """
    if not profile.access:
        if local and not profile.access_names:
            return
        raise Unauthorized(
            "You need an access key to ask this idetour, and none is set. Its owner sets one: "
            f"{' or '.join(profile.access_names) or 'IDETOUR_API_KEY'} in its environment."
        )
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


def is_direct(headers: Mapping[str, str], names: Collection[str]) -> bool:
    """Whether nobody elsewhere is behind the connection, for whom a proxy on this machine asks."""
    told = (each.strip() for name in FORWARDED for each in headers.get(name, "").split(",") if each.strip())
    return hostname(headers.get("host", "")) not in names and all(map(is_loopback, told))


def check_host(headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Raises Forbidden for a `Host` that is not a name of ours."""
    host = headers.get("host", "")
    if (name := hostname(host)) not in LOOPBACK and name not in allowed:
        raise Forbidden(
            f"Host {host!r} is not a name of this idetour. Ask for http://127.0.0.1 or http://localhost, "
            "or add the name to `names:` in the profile."
        )


def check_origin(headers: Mapping[str, str], allowed: Collection[str]) -> str | None:
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
        raise Forbidden(
            f"The web page {origin!r} may not use this idetour. Its owner can add it to `origins:` in the profile."
        )
    return origin
