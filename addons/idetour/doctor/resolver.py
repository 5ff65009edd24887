"""The resolver: where this machine's programs are sent for each intercepted host, by IPv4 and by IPv6.

The two are asked for one by one, as browsers and Electron do: a hosts file with an
IPv4 line alone leaves the question for IPv6 to the network, and the program goes past us.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from idetour.addresses import leads_here
from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road, addresses
from idetour.takeover import hosts

FAKE = ip_network(
    "198.18.0.0/15"
)  # kept for benchmarks (RFC 2544); Clash and other VPNs answer every name from it
FLUSH = {
    "linux": "resolvectl flush-caches",
    "darwin": "sudo killall -HUP mDNSResponder",
    "win32": "ipconfig /flushdns",
}


def judged(host: str, v4: Sequence[str], v6: Sequence[str], *, listed: Sequence[str], led: bool) -> Finding:
    """Of what the resolver answers. `listed`: what the hosts file has for the host; `led`: it is meant to lead to us."""
    every = [*v4, *v6]
    foreign = [each for each in every if not leads_here(each)]
    said = f"{host} is at {', '.join(every)}" if every else f"{host} cannot be resolved"
    if every and not foreign:
        return whole(host, v4, v6, listed)
    if fake := [each for each in every if is_fake(each)]:
        text = f"{host} is at {fake[0]}, a fake address: Clash or another VPN takes its traffic before the hosts file is read"
        remedy = "Take over by --takeover pac or system-proxy, or give the VPN a rule that leaves this host alone (DIRECT)."
        return broken(text, remedy) if led else note(text, remedy)
    if elsewhere := [each for each in listed if not leads_here(each)]:
        text = f"The hosts file sends {host} to {elsewhere[0]}"
        remedy = f"Remove that line from {hosts.location()}: another tool may have left it."
        return broken(text, remedy) if led else note(text, remedy)
    if not led:
        return ok(f"{said}; it is not taken over, so the IDE needs the base URL")
    if any(leads_here(each) for each in v4) and v6:
        return broken(
            f"{host} is taken over by half: IPv4 leads here, IPv6 to {v6[0]}",
            f"Add the line `::1 {host}`, or let idetour do it: idetour takeover on hosts",
        )
    return broken(
        f"{said}, although the hosts file is meant to lead it here",
        "The answer comes from a cache or past the hosts file: switch “secure DNS” off and flush the cache "
        f"({FLUSH['linux']}, {FLUSH['darwin']}, {FLUSH['win32']}).",
    )


def whole(host: str, v4: Sequence[str], v6: Sequence[str], listed: Sequence[str]) -> Finding:
    """All answers lead to this machine."""
    if v4 and v6:
        return ok(f"{host} leads here by IPv4 and IPv6")
    got, lacks, line = ("IPv4", "IPv6", "::1") if v4 else ("IPv6", "IPv4", "127.0.0.1")
    if listed:
        return note(
            f"{host} leads here by {got} alone; in a network with {lacks}, programs may go past us",
            f"Add the line `{line} {host}`, or let idetour do it: idetour takeover on hosts",
        )
    return ok(f"{host} leads here by {got}")


def is_fake(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    return found.version == 4 and found in FAKE


def others(names: Sequence[str], answers: Callable[[str], Sequence[str]]) -> Iterator[Finding]:
    """Of names that no hosts file has: a fake address for one tells who answers for all."""
    for name in names:
        if fake := [each for each in answers(name) if is_fake(each)]:
            yield note(
                f"{name} is at {fake[0]}, a fake address: Clash or another VPN answers here",
                "Programs whose traffic it takes by itself (TUN) do not come by the hosts file: use --takeover pac.",
            )
            return


def look(road: Road) -> Iterator[Finding]:
    text = hosts.read(hosts.location())
    for host in road.hosts:
        yield judged(
            host,
            resolved(host, socket.AF_INET),
            resolved(host, socket.AF_INET6),
            listed=addresses(text, host),
            led="hosts" in road.ways,
        )
    if not road.offline:
        names = dict.fromkeys(urlsplit(each.url).hostname or "" for each in road.upstreams)
        yield from others(list(names), lambda name: resolved(name, socket.AF_INET))


def resolved(host: str, family: socket.AddressFamily) -> list[str]:
    """What the system answers for one family, each address once."""
    try:
        found = socket.getaddrinfo(host, 443, family, socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))


HOP = Hop(name="resolver", look=look)
