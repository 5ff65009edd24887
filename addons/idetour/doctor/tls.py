"""The TLS listener: what it shows to a program that is hard-wired to a host, where such programs come in."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from idetour.certs import Authority
from idetour.doctor.hop import Finding, Hop, broken, note, ok, skipped
from idetour.doctor.road import Road
from idetour.takeover.port import HTTPS

TIMEOUT = 5.0  # seconds
SOON = 30  # days


def look(road: Road) -> Iterator[Finding]:
    if road.authority is None:
        yield skipped("there is no authority in its time, so no certificate to compare with")
        return
    port = HTTPS if "hosts" in road.ways else road.port
    for host in road.hosts:
        yield shown(road.authority, host, port)


def shown(authority: Authority, host: str, port: int) -> Finding:
    """A handshake that trusts our root and nothing else."""
    context = ssl.create_default_context(cafile=authority.root)
    where = f"{host} on port {port}"
    try:
        with (
            socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=host) as tls,
        ):
            return judged(where, dict(tls.getpeercert() or {}), datetime.now(UTC))
    except ssl.SSLCertVerificationError as error:
        return broken(
            f"{where}: a certificate is shown that is not of this authority ({error.verify_message})",
            "Start idetour again: it may serve what was made before, or another program listens there.",
        )
    except OSError as error:  # an SSLError is one
        return broken(f"{where}: no TLS handshake ({error})", "Start idetour again; its log (-v) says more.")


def judged(where: str, certificate: dict[str, object], now: datetime) -> Finding:
    """Of a chain that was verified: how long it is good."""
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((ends - now.timestamp()) // 86400)
    if days < SOON:
        return note(f"{where}: right name and chain, but only {days} more days", "idetour cert renew")
    return ok(f"{where}: right name and chain, {days} more days")


HOP = Hop(name="tls", look=look, needs=("port", "authority"))
