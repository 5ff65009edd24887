"""`idetour run --takeover`: this machine's programs come here for as long as we run, and not a moment longer."""

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import click

from idetour.cli.running import is_idetour
from idetour.errors import SetupError

if TYPE_CHECKING:
    from idetour.profile import Profile
    from idetour.takeover.journal import Entry, Report

type Way = Literal["hosts", "system-proxy", "pac"]

WAYS: tuple[Way, ...] = get_args(Way.__value__)
TARGET = 443  # where a hosts file leads


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `run` needs for a takeover: more modes, and what to do once it answers."""

    modes: tuple[str, ...] = ()
    held: Callable[[], AbstractContextManager[None]] = nullcontext


def prepared(way: Way | None, profile: "Profile", *, host: str, port: int) -> Plan:
    """For `run` on this host and port. Raises, with nothing changed, where it cannot work.

    Without a way, but with a hosts file that was taken over by hand: listen where that leads.
    """
    from idetour.cli.screen import warn
    from idetour.takeover import journal
    from idetour.takeover.allowed import allowed
    from idetour.takeover.hold import put_back_abandoned

    tell(put_back_abandoned())
    by_hand = any(entry.kind == "hosts" and entry.pid is None for entry in journal.entries())
    if way is None and not by_hand:
        return Plan()
    reached = {"0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}.get(host, host)
    address = f"[{reached}]:{port}" if ":" in reached else f"{reached}:{port}"
    if way in ("system-proxy", "pac"):
        return Plan(held=lambda: holding(lambda: proxy(way, address), address, None))
    hosts = allowed((), profile.hosts)
    try:
        target = listening_port()
    except SetupError as error:
        if way:
            raise
        warn([f"The hosts file leads {', '.join(hosts)} to port 443, where this run cannot answer. {error}"])
        return Plan()
    modes = tuple(f"reverse:https://{hosts[0]}@{each}:{target}" for each in loopbacks(target))
    if way is None and target == TARGET:
        return Plan(modes=modes)
    led = hosts if way else ()
    return Plan(modes=modes, held=lambda: holding(lambda: lead(led, target), address, target))


def listening_port() -> int:
    """443, or where the packet filter can lead 443 to. Raises with the holder's name, or with what to choose."""
    from idetour import ports
    from idetour.takeover import port

    error = ports.obstacle("127.0.0.1", TARGET)
    if error is None:
        return TARGET
    if error.errno == errno.EADDRINUSE:
        by = ports.holder(TARGET)
        raise SetupError(
            f"Port {TARGET} is in use{f' by {by}' if by else ''}, and the hosts file can lead to no other. "
            "Stop it, or use --takeover pac."
        )
    if error.errno != errno.EACCES or port.packet_filter() is None:
        raise SetupError(port.advice())
    return ports.next_free("127.0.0.1", 8442)


def loopbacks(port: int) -> list[str]:
    """Where this machine can be reached; some have no IPv6."""
    from idetour import ports

    return [each for each in ("127.0.0.1", "::1") if ports.obstacle(each, port) is None]


@contextmanager
def holding(begin: Callable[[], None], address: str, target: int | None) -> Iterator[None]:
    """From when idetour answers at `address`, and something listens on `target`, until it ends."""
    from idetour import ports
    from idetour.takeover import hold

    def ready() -> bool:
        listens = target is None or ports.obstacle("127.0.0.1", target) is not None
        return listens and is_idetour(f"http://{address}")

    with hold.holding(begin, ready):
        yield


def lead(hosts: tuple[str, ...], target: int) -> None:
    """The hosts file, after the rule for its port where we may not listen there ourselves."""
    from idetour.cli.screen import console, warn
    from idetour.takeover import hosts as hosts_file
    from idetour.takeover import port

    if target != TARGET:
        port.redirect(target, held=True)
    if hosts:
        warn(hosts_file.on(hosts, held=True))
        console.print(f"{', '.join(hosts)} leads here ({hosts_file.location()}) until idetour ends.")


def proxy(way: Literal["system-proxy", "pac"], address: str) -> None:
    from idetour.cli.screen import console, warn
    from idetour.takeover import systemproxy

    warn(systemproxy.on(way, address, held=True))
    console.print(f"This machine's programs come to {address} until idetour ends.")


def described(entry: "Entry") -> str:
    """One change, for people."""
    data = entry.data
    if entry.kind == "hosts":
        return f"{data['path']}: {', '.join(data['hosts'])}"
    if entry.kind == "settings":
        return f"proxy settings of {data['title']}"
    if entry.kind == "redirect":
        return f"port {TARGET} led to {data['port']} ({data['tool']})"
    return f"{entry.kind}: {', '.join(map(str, data.values()))}"


def tell(report: "Report") -> None:
    """What was put back, and what could not be and why."""
    from idetour.cli.screen import warn

    for entry in report.undone:
        click.echo(f"Put back: {described(entry)}")
    warn(f"not put back: {described(entry)}. {reason}" for entry, reason in report.left)
