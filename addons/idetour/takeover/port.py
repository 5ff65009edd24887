"""Port 443 on this machine: who may listen there, and what to do where we may not.

A hosts file can name an address but no port, so its way needs 443. Where that
takes rights, the packet filter can lead 443 to a port of ours (Linux): one command
with rights instead of a whole proxy with rights.
"""

import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from idetour import system
from idetour.errors import SetupError
from idetour.takeover import journal

HTTPS = 443
LOOPBACK = (("iptables", "127.0.0.1"), ("ip6tables", "::1"))


def redirect(port: int, *, held: bool = False) -> None:
    """Lead connections to this machine's 443 to `port`. Raises SetupError, nothing then being changed."""
    if (tool := packet_filter()) is None:
        raise SetupError(advice())
    entry = journal.note("redirect", {"tool": tool, "port": port}, held=held)
    try:
        for command in on_commands(tool, port):
            system.run(command, elevate=True).check()
    except SetupError:
        with suppress(SetupError):
            undo(entry.data, ())
        entry.done()
        raise


def undo(data: journal.Data, rest: Sequence[journal.Data]) -> None:
    """Take the rules out. Rules that are not there are fine."""
    for command in off_commands(data["tool"], data["port"]):
        result = system.run(command, elevate=True)
        if "matching rule" not in result.err:  # iptables' own words for a rule that is not there
            result.check()


def packet_filter() -> str | None:
    """The tool to write rules with; None: none here."""
    if sys.platform != "linux":
        return None
    return next((tool for tool in ("nft", "iptables") if shutil.which(tool)), None)


def on_commands(tool: str, port: int) -> tuple[tuple[str, ...], ...]:
    if tool == "nft":  # one transaction: all rules or none
        script = (
            "add table inet idetour; "
            "add chain inet idetour out { type nat hook output priority -100; }; "
            f"add rule inet idetour out ip daddr 127.0.0.1 tcp dport {HTTPS} redirect to :{port}; "
            f"add rule inet idetour out ip6 daddr ::1 tcp dport {HTTPS} redirect to :{port}"
        )
        return (("nft", script),)
    return tuple(_rule(program, "-A", address, port) for program, address in LOOPBACK)


def off_commands(tool: str, port: int) -> tuple[tuple[str, ...], ...]:
    if tool == "nft":  # adding first makes deleting right whether or not it is there
        return (("nft", "add table inet idetour; delete table inet idetour"),)
    return tuple(_rule(program, "-D", address, port) for program, address in LOOPBACK)


def advice() -> str:
    """What a person can choose where 443 is for administrators, as sentences."""
    if sys.platform == "darwin":
        choices = ["start idetour with sudo"]
    else:
        choices = [
            f"sudo setcap cap_net_bind_service=+ep {Path(sys.executable).resolve()} (every program of this Python may then)",
            "sudo sysctl net.ipv4.ip_unprivileged_port_start=443 (every user may, until the next boot)",
            "install nftables, and idetour leads 443 to a port of its own",
        ]
    return (
        f"Port {HTTPS} is for administrators here, and a hosts file needs it. Choose one: {'; '.join(choices)}; "
        "or use --takeover pac or system-proxy, which need no such port."
    )


def _rule(program: str, action: str, address: str, port: int) -> tuple[str, ...]:
    match = ("-d", address, "-p", "tcp", "--dport", str(HTTPS))
    return (program, "-w", "-t", "nat", action, "OUTPUT", *match, "-j", "REDIRECT", "--to-ports", str(port))
