"""Proxy variables: whether the programs of this terminal are sent past us, or to a proxy that is not there.

An IDE that is started from a menu has an environment of its own; one that is started from here has this one.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road, proxies

TIMEOUT = 2.0  # seconds
LOCAL = "127.0.0.1"


def concerned(name: str, hosts: tuple[str, ...], environment: Mapping[str, str]) -> list[str]:
    """The hosts, of those that matter to us, which a program would ask through the proxy in variable `name`."""
    matter = {"HTTPS_PROXY": hosts, "HTTP_PROXY": (LOCAL,), "ALL_PROXY": (*hosts, LOCAL)}[name]
    listed = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    return [host for host in matter if not exempt(host, listed)]


def exempt(host: str, listed: str) -> bool:
    """Whether a NO_PROXY names the host: itself, a domain above it, or all by `*`. Programs agree on no more."""
    names = [each.strip().lower().removeprefix("*.").lstrip(".") for each in listed.split(",")]
    return "*" in names or any(host == each or host.endswith(f".{each}") for each in names if each)


def judged(name: str, url: str, hosts: list[str], *, alive: bool, is_us: bool, by_hosts: bool) -> Finding:
    """Of one variable; `hosts` go through it, and `by_hosts` says that the hosts file leads them to us."""
    proxy = shown(url)
    setting = f"export NO_PROXY={','.join(dict.fromkeys([*hosts, LOCAL, 'localhost']))}"
    if is_us and alive:
        return ok(f"{name} is idetour itself ({proxy})")
    if not hosts:
        return ok(f"{name} is {proxy}; NO_PROXY leaves out what is ours")
    if not alive:
        return broken(
            f"{name} is {proxy}, where nobody listens", f"Start that proxy, or: unset {name}; or: {setting}"
        )
    if by_hosts and hosts != [LOCAL]:
        return broken(
            f"{name} is {proxy}: programs ask it for {hosts[0]}, so the hosts file is not looked at",
            f"{setting}, or use --takeover pac.",
        )
    return note(
        f"{name} is {proxy}: programs of this terminal ask it for {', '.join(hosts)}",
        f"If that is not meant: {setting}",
    )


def shown(url: str) -> str:
    """The URL without user and password."""
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc.rpartition('@')[2]}"


def look(road: Road) -> Iterator[Finding]:
    found = proxies(os.environ)
    if not found:
        yield ok("no proxy variable is set in this terminal")
    for name, url in found:
        yield judged(
            name,
            url,
            concerned(name, road.hosts, os.environ),
            alive=listens(url),
            is_us=road.is_us(url),
            by_hosts="hosts" in road.ways,
        )


def listens(url: str) -> bool:
    """Whether somebody accepts connections where the URL leads."""
    try:
        parts = urlsplit(url)
        port = parts.port or (
            1080 if parts.scheme.startswith("socks") else 443 if parts.scheme == "https" else 80
        )
        socket.create_connection((parts.hostname or "", port), TIMEOUT).close()
    except (OSError, ValueError):
        return False
    return True


HOP = Hop(name="environment", look=look)
