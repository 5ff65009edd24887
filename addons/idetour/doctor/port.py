"""The ports: does idetour listen on its own, and on 443 where the hosts file leads? Or who else?"""

import socket
from collections.abc import Iterator

from idetour import ports
from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road
from idetour.errors import SetupError
from idetour.takeover.port import HTTPS

TIMEOUT = 2.0  # seconds


def look(road: Road) -> Iterator[Finding]:
    yield own(road)
    if "hosts" in road.ways:
        yield from https(
            ports.holder(HTTPS), ports.holder(road.port), v4=accepts("127.0.0.1"), v6=accepts("::1")
        )


def own(road: Road) -> Finding:
    """Whether an idetour answers on our port."""
    try:
        _ = road.health
    except SetupError as error:
        by = ports.holder(road.port)
        if by is None and not accepts("127.0.0.1", road.port):
            return broken(f"Nothing listens on port {road.port}", f"Start it: {start(road)}")
        return broken(
            f"Port {road.port} is held by {by or 'another program'}. {error}",
            f"Stop that program, or take another port: idetour run -p {ports.next_free('127.0.0.1', road.port)}",
        )
    return ok(
        f"idetour listens on port {road.port}: {ports.holder(road.port) or 'its process is another user’s'}"
    )


def start(road: Road) -> str:
    port = f" -p {road.port}" if road.port != 8080 else ""
    return f"idetour run{f' {road.wanted}' if road.wanted else ''}{port}"


def https(holder: str | None, ours: str | None, *, v4: bool, v6: bool) -> Iterator[Finding]:
    """Of port 443; who holds it cannot always be told, and a packet filter may lead it to us."""
    if holder and ours and holder != ours:
        yield broken(
            f"Port {HTTPS} is held by {holder}, not by idetour, and the hosts file can lead to no other",
            "Stop that program and start idetour again, or use --takeover pac.",
        )
    elif not v4:
        yield broken(
            f"The hosts file leads to port {HTTPS} of this machine, and nobody listens there",
            "Start idetour again: idetour run --takeover hosts. To give the hosts back: idetour takeover off",
        )
    elif not v6:
        yield note(f"Port {HTTPS} answers by IPv4 only; programs try IPv6 first and then come by IPv4")
    else:
        yield ok(f"port {HTTPS} answers by IPv4 and IPv6")


def accepts(address: str, port: int = HTTPS) -> bool:
    try:
        socket.create_connection((address, port), TIMEOUT).close()
    except OSError:
        return False
    return True


HOP = Hop(name="port", look=look)
