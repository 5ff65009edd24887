"""Which names the authority may vouch for: full host names of public services, and no others."""

import re
from collections.abc import Iterable

from idetour.errors import SetupError

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST = 251  # DNS allows 253; with `.pem` a file name has to stay within 255


def normalised(hosts: Iterable[str]) -> tuple[str, ...]:
    """The hosts in lower case and IDNA form, each once, in the order given.

    Raises SetupError for an empty list, an IP address, this machine, a
    wildcard, a name of one label (a constraint covers what lies below it, so
    `com` would be half the web) and anything else that is no host name.
    """
    names = tuple(dict.fromkeys(_normalised(host) for host in hosts))
    if not names:
        raise SetupError(
            "No host is listed, so there is nothing to make certificates for. Name at least one."
        )
    return names


def _normalised(host: str) -> str:
    name = _ascii(host.strip().removesuffix(".").lower())
    labels = name.split(".")
    if labels[-1].isdigit() or ":" in name:
        raise _refusal(host, "is an address or a URL, not a name")
    if labels[-1] == "localhost":
        raise _refusal(host, "is this machine")
    if len(labels) < 2:
        raise _refusal(host, "has no dot: it would cover every name below it")
    if len(name) > LONGEST or not all(LABEL.fullmatch(label) for label in labels):
        raise _refusal(host, "is not a host name")
    return name


def _ascii(name: str) -> str:
    """The name as DNS has it. Python knows the IDNA of 2003, which maps `ß` to `ss`: another host today."""
    if name.isascii():
        return name
    try:
        encoded = name.encode("idna").decode("ascii")
        if encoded.encode("ascii").decode("idna") == name:
            return encoded
    except UnicodeError:
        pass
    raise _refusal(name, "has no unambiguous ASCII form (try its xn-- form)")


def _refusal(host: str, why: str) -> SetupError:
    return SetupError(
        f"No certificate is made for {host!r}: it {why}. List full names such as api.openai.com."
    )
