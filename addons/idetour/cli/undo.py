"""`idetour undo`: the machine as it was, whatever happened in between."""

from collections.abc import Mapping, Sequence
from typing import Any

import click


@click.command(short_help="Put back every change that idetour made to this machine.")
@click.option("-y", "--yes", is_flag=True, help="Also what a running idetour holds, without asking.")
def undo(yes: bool) -> None:
    """Put back every change that idetour made to this machine: hosts file, proxy settings, port rules, trust.

    Only what still is idetour's goes; what you changed in between stays. To run it twice is harmless.
    """
    from idetour.cli.lead import described, tell
    from idetour.system import at_terminal
    from idetour.takeover import UNDO, hosts, journal

    alive = [entry for entry in journal.entries() if entry.alive]
    for entry in alive:
        click.echo(f"A running idetour (pid {entry.pid}) holds {described(entry)}")
    too = yes or not alive or (at_terminal() and click.confirm("Undo that as well?"))
    report = journal.undo({**UNDO, "trust": untrust}, lambda entry: too or not entry.alive)
    stray = hosts.sweep()
    tell(report)
    if stray:
        click.echo("Put back: lines of idetour in the hosts file that no journal knew of")
    if not (report.undone or report.left or stray or alive):
        click.echo("There is nothing to undo.")
    if not too:
        click.echo("What the running idetour holds was left: stop it, or idetour undo --yes")
    if report.left or not too:
        raise SystemExit(1)


def untrust(data: Mapping[str, Any], rest: Sequence[Mapping[str, Any]]) -> None:
    """Take our roots out of the store that an entry names; what is not there is fine. Raises SetupError."""
    from idetour.certs.stores import STORES

    store = STORES[data["store"]]
    if store.present():
        store.remove()
