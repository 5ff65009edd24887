"""`idetour takeover`: lead the programs of this machine here, and back; `run --takeover` does so while it runs."""

import errno
import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

from idetour.cli.group import Group

if TYPE_CHECKING:
    from idetour.profile import Profile
    from idetour.takeover.journal import Entry, Report

type Way = Literal["hosts", "system-proxy", "pac"]

WAYS = ("hosts", "system-proxy", "pac")
TARGET = 443


@click.group(cls=Group, short_help="Lead an IDE's traffic here, and back.")
def takeover() -> None:
    """Lead the programs of this machine to idetour, and back.

    Each change is written down before it is made; `off` and `idetour undo` put it back.
    To have it only as long as idetour runs: idetour run --takeover hosts
    """


@takeover.command(short_help="hosts, system-proxy, pac, or local (one program).")
@click.argument("way", type=click.Choice([*WAYS, "local"]))
@click.argument("hosts", nargs=-1, metavar="[HOST]...")
@click.option("--app", default="Trae", show_default=True, help="With `local`: the program's name.")
@click.option("-p", "--port", default=8080, show_default=True, envvar=["IDETOUR_PORT", "PORT"])
@click.option("--profile", envvar="IDETOUR_PROFILE", help="Whose hosts are taken; without it: `default`.")
def on(
    way: Way | Literal["local"],
    hosts: tuple[str, ...],
    app: str,
    port: int,
    profile: str | None,
) -> None:
    """Take over HOST… (without any: all that the profile answers for) until `off` or `idetour undo`."""
    from idetour.profile.read import find, read
    from idetour.takeover.allowed import allowed

    made = read(find(profile))
    chosen = allowed(hosts, made.hosts)
    tell(put_back_abandoned())
    if way == "local":
        capture(app)
    elif way == "hosts":
        by_hosts(chosen)
    else:
        by_settings(way, f"127.0.0.1:{port}")
    if way != "local":
        click.echo("Back again: idetour takeover off")


def by_hosts(chosen: tuple[str, ...]) -> None:
    from idetour.cli import ports
    from idetour.cli.screen import console, warn
    from idetour.takeover import hosts

    warn(hosts.on(chosen))
    console.print(f"{', '.join(chosen)} now leads to this machine ({hosts.location()}).")
    if by := ports.holder(TARGET):
        console.print(f"Port {TARGET} is held by {by}: if that is not idetour, it gets these requests.")
    else:
        console.print(f"Nothing listens on port {TARGET} yet: start `idetour run`.")


def by_settings(way: Literal["system-proxy", "pac"], address: str) -> None:
    from idetour.cli.screen import console, warn
    from idetour.takeover import systemproxy

    if not answers(*address.split(":")):
        raise click.ClickException(
            f"Nothing answers at {address}, and this machine's requests would end there. Start `idetour run` first."
        )
    warn(systemproxy.on(way, address))
    what = "requests to the model hosts" if way == "pac" else "requests"
    console.print(f"This desktop's programs now send {what} to {address}.")
    console.print(f"Programs in a terminal look at variables instead:\n{systemproxy.exports(address)}")


@takeover.command(short_help="Put everything back that `on` changed.")
def off() -> None:
    """Put back hosts file, proxy settings and port rules. Trusted certificates stay: idetour undo."""
    from idetour.takeover import UNDO, journal

    report = journal.undo(UNDO, lambda entry: entry.kind in UNDO and not entry.alive)
    tell(report)
    for entry in journal.entries():
        if entry.alive and entry.kind in UNDO:
            click.echo(
                f"Still on, while idetour (pid {entry.pid}) runs: {described(entry)}. Stop it with Ctrl-C."
            )
    if not report.undone and not report.left:
        click.echo("Nothing was taken over by hand.")
    if report.left:
        raise SystemExit(1)


@takeover.command(short_help="What is taken over, since when, by whom.")
def status() -> None:
    """What is taken over, since when, and who holds it."""
    from idetour.cli.screen import table
    from idetour.takeover import UNDO, hosts, journal

    found = [entry for entry in journal.entries() if entry.kind in UNDO]
    if found:
        table(("what", "since", "until"), ((described(each), each.at, until(each)) for each in found))
    elif taken := hosts.taken(hosts.read(hosts.location())):
        click.echo(f"The hosts file leads {', '.join(taken)} here, and no journal tells why: idetour undo")
    else:
        click.echo("Nothing is taken over.")


def until(entry: "Entry") -> str:
    if entry.alive:
        return f"idetour (pid {entry.pid}) ends"
    return "now: whoever held it is gone; `idetour undo`" if entry.abandoned else "idetour takeover off"


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


def put_back_abandoned() -> "Report":
    from idetour.takeover.hold import put_back_abandoned

    return put_back_abandoned()


def capture(app: str) -> None:
    """Say how to capture one program, or why that cannot work here."""
    import mitmproxy_rs

    from idetour.takeover.capture import Machine, obstacle, requirements

    machine = Machine()
    if reason := obstacle(machine, mitmproxy_rs.local.LocalRedirector.unavailable_reason()):
        raise click.ClickException(f"{reason} The other ways work: hosts, pac, system-proxy.")
    click.echo("Nothing on this machine has to be changed for it. Start:")
    click.echo(f"  idetour run --mode local:{app}")
    click.echo(requirements(machine, app))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `run` needs for a takeover: more modes, and what to do once it answers."""

    modes: tuple[str, ...] = ()
    held: Callable[[], AbstractContextManager[None]] = nullcontext


def prepared(way: Way | None, profile: "Profile", host: str, port: int) -> Plan:
    """For `run` on this host and port. Raises, with nothing changed, where it cannot work.

    Without a way, but with a hosts file that was taken over by hand: listen where that leads.
    """
    from idetour.takeover import journal
    from idetour.takeover.allowed import allowed

    tell(put_back_abandoned())
    by_hand = any(entry.kind == "hosts" and entry.pid is None for entry in journal.entries())
    if way is None and not by_hand:
        return Plan()
    address = f"{'127.0.0.1' if host in ('0.0.0.0', '::', 'localhost') else host}:{port}"
    if way in ("system-proxy", "pac"):
        return Plan(held=lambda: holding(lambda: proxy(way, address), address, None))
    hosts, target = allowed((), profile.hosts), listening_port()
    modes = tuple(f"reverse:https://{hosts[0]}@{each}:{target}" for each in loopbacks(target))
    if way is None and target == TARGET:
        return Plan(modes=modes)
    return Plan(
        modes=modes, held=lambda: holding(lambda: lead(hosts if way else (), target), address, target)
    )


def listening_port() -> int:
    """443, or where the packet filter can lead 443 to. Raises with the holder's name, or with what to choose."""
    from idetour.cli import ports
    from idetour.takeover import port

    error = ports.obstacle("127.0.0.1", TARGET)
    if error is None:
        return TARGET
    if error.errno == errno.EADDRINUSE:
        by = ports.holder(TARGET)
        raise click.ClickException(
            f"Port {TARGET} is in use{f' by {by}' if by else ''}, and the hosts file can lead to no other. "
            "Stop it, or use --takeover pac."
        )
    if error.errno != errno.EACCES or port.packet_filter() is None:
        raise click.ClickException(port.advice())
    return ports.next_free("127.0.0.1", 8442)


def loopbacks(port: int) -> list[str]:
    """Where this machine can be reached; some have no IPv6."""
    from idetour.cli import ports

    return [each for each in ("127.0.0.1", "::1") if ports.obstacle(each, port) is None]


@contextmanager
def holding(begin: Callable[[], None], address: str, target: int | None) -> Iterator[None]:
    from idetour.cli import ports
    from idetour.takeover import hold

    host, _, port = address.rpartition(":")

    def ready() -> bool:
        return answers(host, port) and (target is None or ports.obstacle("127.0.0.1", target) is not None)

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


def answers(host: str, port: int | str) -> bool:
    """Whether an idetour answers there."""
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
