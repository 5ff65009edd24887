"""`idetour takeover`: lead the programs of this machine here, and back."""

from typing import TYPE_CHECKING, Literal

import click

from idetour.cli.group import Group, its_port
from idetour.cli.lead import TARGET, WAYS, Way, described, tell
from idetour.cli.running import is_idetour

if TYPE_CHECKING:
    from idetour.takeover.journal import Entry


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
@its_port
@click.option(
    "--profile",
    envvar="IDETOUR_PROFILE",
    metavar="PROFILE",
    help="Whose hosts are taken; without it: `default`.",
)
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
    from idetour.takeover.hold import put_back_abandoned

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
    from idetour import ports
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

    if not is_idetour(f"http://{address}"):
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
