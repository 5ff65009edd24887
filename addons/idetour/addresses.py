"""Which addresses are this machine's own, in each of the ways to write one."""

import ipaddress
import re

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})  # in a `Host` or an `Origin`
AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/?#\s]+)(?::[0-9]+)?")


def hostname(authority: str) -> str | None:
    """`host:port` without the port, in lower case; None for anything odd (user info, spaces, two hosts)."""
    match = AUTHORITY.fullmatch(authority.lower())
    return match[1] if match else None


def is_loopback(host: str) -> bool:
    """Whether it is `localhost` or a loopback address, also with a zone (`%lo`) or as IPv4 within IPv6."""
    found = parsed(host)
    return host == "localhost" if found is None else found.is_loopback


def leads_here(host: str) -> bool:
    """Whether a connection to it ends at this machine: at the unspecified addresses it does as well."""
    found = parsed(host)
    return is_loopback(host) or (found is not None and found.is_unspecified)


def parsed(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, IPv4 wherever it is that; None for a name."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
