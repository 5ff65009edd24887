"""Programs that come to us by TLS and do not take our certificate: said in a sentence, and kept for the doctor.

All that such a program tells is an alert, and many leave without one: curl and Python
say `unknown_ca`, Node and Java close the connection. So it is guessed by the program's
name which store it reads, and where that is not known either, the likely ones are named.
One that ends the handshake before it looks at the certificate (wget, GnuTLS) is not seen.
"""

import logging
import re
import sys
import time

from mitmproxy import connection, tls

from idetour import ports
from idetour.endpoints.health import MOST_REFUSALS, Refusal, Refusals

log = logging.getLogger("idetour")

QUIET_SECONDS = 60.0  # an IDE tries again and again: a host and an alert are told once in this time
GONE = "disconnected during the handshake"
ALERTS = {
    "unknown ca": "it does not know the authority (alert unknown_ca)",
    "certificate unknown": "it does not trust it (alert certificate_unknown)",
    "bad certificate": "it does not accept it (alert bad_certificate)",
    "certificate expired": "it finds it expired (alert certificate_expired)",
    GONE: "it left without a word: it does not trust it, or accepts one certificate only (pinning)",
}
UNTRUSTED = ("unknown ca", "certificate unknown", "bad certificate", GONE)
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}")
SYSTEM = {"darwin": "macos", "win32": "windows-user"}
EVERYWHERE = ("node", "java", "python")  # stores that are the same on every system
STORES = {  # a part of a program's name → the trust store that it reads
    "java": "java",
    "node": "node",
    "python": "python",
    "firefox": "nss",
    "chrom": "nss",
    "code": "nss",
    "electron": "nss",
    "trae": "nss",
    "curl": "system",
}


class Handshakes:
    """Tells of a handshake that a program broke off, once in a while for each host and alert."""

    def __init__(self, kept: Refusals) -> None:
        self._kept = kept
        self._told: dict[tuple[str, str], float] = {}  # host and alert → when, by the monotonic clock

    def tls_failed_client(self, data: tls.TlsData) -> None:
        # Without one there was no ClientHello: somebody looked whether the port is open, or spoke no TLS.
        if data.ssl_conn is not None:
            self._tell(data.context.client, data.conn.error or "")

    def broken(self, client: connection.Client, error: OSError) -> None:
        """One that failed without mitmproxy; `client.sni` is the host that was asked for."""
        if isinstance(error, ConnectionResetError):
            self._tell(client, GONE)
        else:
            self._tell(client, f" ({getattr(error, 'reason', None) or error})".replace("_", " ").lower())

    def _tell(self, client: connection.Client, error: str) -> None:
        self._kept.failed += 1
        host, alert = named(client.sni), alert_in(error)
        if not self._is_new(host, alert):
            return
        program = ports.talker(client.peername[1], client.sockname[1])
        said, remedy = sentence(host, alert, error, program), cure(alert, program)
        self._kept.recent.append(Refusal(at=time.time(), said=said, remedy=remedy))
        log.warning("%s %s", said, remedy)

    def _is_new(self, host: str, alert: str | None) -> bool:
        now = time.monotonic()
        self._told = {each: when for each, when in self._told.items() if now - when < QUIET_SECONDS}
        if (host, alert or "") in self._told or len(self._told) >= MOST_REFUSALS:
            return False
        self._told[host, alert or ""] = now
        return True


def alert_in(error: str) -> str | None:
    """Which of the alerts that we know is in mitmproxy's message."""
    return next((alert for alert in ALERTS if alert in error), None)


def sentence(host: str, alert: str | None, error: str, program: str | None) -> str:
    """Who turned away from what, and why."""
    who = program or "A program"
    # mitmproxy's own words end with OpenSSL's in brackets; what stands before repeats the host as it came.
    why = ALERTS[alert] if alert else error.rpartition(" (")[2].removesuffix(")")
    return f"{who} came for {host} and did not take the certificate: {why}."


def cure(alert: str | None, program: str | None, platform: str = sys.platform) -> str:
    """What to do, the likely store first."""
    if alert == "certificate expired":
        return "Look at the clock, and at: idetour cert status"
    if alert not in UNTRUSTED:
        return "If it goes on: idetour doctor, and start idetour with -v."
    stores = likely(program, platform)
    then = "then quit that program completely and start it again."
    if len(stores) == 1:
        return f"idetour cert install --store {stores[0]}, {then}"
    return f"It likely reads the store {', '.join(stores[:-1])} or {stores[-1]}: idetour cert install, {then}"


def likely(program: str | None, platform: str) -> tuple[str, ...]:
    """The trust stores that such a program may read, the likeliest first."""
    name = (program or "").lower()
    for part, store in STORES.items():
        if part in name:
            return (store if store in EVERYWHERE or platform == "linux" else SYSTEM.get(platform, "system"),)
    return (
        ("nss", "system", "node") if platform == "linux" else (SYSTEM.get(platform, "system"), "node", "java")
    )


def named(sni: str | None) -> str:
    """The host that was asked for. It is the program's word, so it goes into the log only if it is a name."""
    return sni if sni and HOST.fullmatch(sni) else "no host that has a name"
