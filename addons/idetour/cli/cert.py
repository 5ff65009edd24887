"""`idetour cert`: the authority that programs have to trust before their requests can be intercepted."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from idetour.cli.group import Group

if TYPE_CHECKING:
    from idetour.certs import Authority, Status
    from idetour.certs.stores import Store
    from idetour.certs.trust import Outcome

LEFT_TO_YOU = 3  # exit code: commands were printed that only you can run


class StoreName(click.ParamType[str]):
    """One of the stores. The list is read when it is needed: it costs an import of `cryptography`."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from idetour.certs.stores import STORES

        if value not in STORES:
            self.fail(f"there is no store {value!r}; there are {', '.join(STORES)}.", param, ctx)
        return value


stores_option = click.option(
    "--store", "names", multiple=True, type=StoreName(), metavar="NAME", help="This store only; repeatable."
)
renewable_option = click.option(
    "--renewable", is_flag=True, help="Keep a key that makes new certificates for the listed hosts."
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@click.group(cls=Group, short_help="The certificate authority for interception.")
def cert() -> None:
    """The certificate authority for interception: it can vouch for the listed model hosts and nothing else."""


@cert.command(short_help="Have this machine's trust stores trust it.")
@stores_option
@renewable_option
@yes_option
def install(names: Sequence[str], renewable: bool, yes: bool) -> None:
    """Have this machine's trust stores trust the authority, which is made if need be, and prove that they do.

    Without --store: the system's store, Chromium's and Firefox's databases. Java
    and the roots of the whole Windows machine are changed only when named.
    Ends with 3 where commands are printed that only you can run, with 1 where something failed.
    """
    from idetour.certs import trust

    chosen = selected(names)
    authority = made(renewable=renewable)
    if not yes:
        confirm("Trust this authority in these stores?", chosen)
    report([trust.install(store, authority, journal=written_down) for store in chosen], asked=bool(names))


@cert.command(short_help="Have every trust store forget it, older ones too.")
@stores_option
@yes_option
def remove(names: Sequence[str], yes: bool) -> None:
    """Take every root of ours, older ones too, out of this machine's trust stores, and prove that it is gone.

    Without --store: all of them. The files stay, so that it can be installed again.
    """
    from idetour import home
    from idetour.certs import load, trust
    from idetour.certs.stores import STORES

    chosen = selected(names or list(STORES))
    if not yes:
        confirm("Take our roots out of these stores?", chosen)
    authority = load(home.home() / "certs")
    outcomes = [trust.remove(store, authority) for store in chosen]
    crossed_out(outcomes)
    report(outcomes, asked=bool(names), changed="not trusted")


@cert.command(short_help="Which programs trust it; whom it vouches for, how long.")
@stores_option
def status(names: Sequence[str]) -> None:
    """What the authority is, whom it vouches for, how long it lasts, and whether each store trusts it, proved."""
    from idetour import home
    from idetour.certs import authority, trust
    from idetour.certs.stores import STORES
    from idetour.cli.screen import rows

    found = authority.status(home.home() / "certs")
    if not found.exists:
        return click.echo("There is no authority yet: `idetour run` or `idetour cert install` makes one.")
    rows(described(found), indent=0)
    if found.authority:
        shown = [trust.look(store, found.authority) for store in selected(names or list(STORES))]
        click.echo()
        rows(lines_of([each for each in shown if names or each.state != "not here"]), indent=0)


@cert.command(short_help="The file to trust: --cacert, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS.")
def path() -> None:
    """Print the file to trust, for `curl --cacert`, SSL_CERT_FILE or NODE_EXTRA_CA_CERTS. Makes it if need be."""
    click.echo(made().root)


@cert.command(short_help="Make its certificates anew.")
@renewable_option
@yes_option
def renew(renewable: bool, yes: bool) -> None:
    """Make the hosts' certificates anew: by a renewable authority's key, with no change to what is trusted.

    A sealed authority has no key, so a new root takes its place, which has to be trusted again.
    """
    from idetour import home
    from idetour.certs import load

    before = load(home.home() / "certs")
    if before and not before.key and not yes:
        ask("This authority is sealed: a new root takes its place and has to be trusted again. Go on?")
    after = made(renewable=renewable, afresh=True)
    if before and before.fingerprint != after.fingerprint:
        click.echo("Next: idetour cert remove (the old root), then idetour cert install.")
    click.echo("An idetour that is running serves the old ones until it is started again.")


def made(*, renewable: bool = False, afresh: bool = False) -> "Authority":
    """The authority for the hosts that `idetour run` would ask for; where it was made just now, why is printed."""
    from idetour import home
    from idetour.certs import ensure
    from idetour.profile.read import find, read

    profile = read(find(None))
    hosts = sorted({*profile.catalog.hosts, *profile.hosts})
    authority = ensure(home.folder("certs"), hosts, renewable=renewable, afresh=afresh, passphrase=passphrase)
    if authority.reason:
        click.echo(authority.reason, err=True)
    return authority


def passphrase(question: str) -> str | None:
    """From a person, if there is one."""
    from idetour.system import at_terminal

    if not at_terminal():
        return None
    return str(click.prompt(question, hide_input=True, default="", show_default=False, err=True))


def selected(names: Sequence[str]) -> list["Store"]:
    """The stores of these names; without any, those that are on this machine and need not be named."""
    from idetour.certs.stores import STORES

    if names:
        return [STORES[name] for name in dict.fromkeys(names)]
    return [store for store in STORES.values() if store.unasked and store.present()]


def confirm(question: str, stores: Sequence["Store"]) -> None:
    changed = [store.title for store in stores if store.installs and store.present()]
    if changed:
        ask(f"{question}\n" + "".join(f"  {title}\n" for title in changed) + "Go on?")


def ask(question: str) -> None:
    """A person may say no. Without one, the command itself is the answer."""
    from idetour.system import at_terminal

    if at_terminal():
        click.confirm(question, abort=True, default=True, err=True)


def written_down(kind: str, data: Mapping[str, str]) -> None:
    """Before the change is made, for `idetour undo`. One entry for each store will do: it undoes all of ours."""
    from idetour.takeover import journal

    if not any(
        entry.kind == kind and entry.data.get("store") == data["store"] for entry in journal.entries()
    ):
        journal.note(kind, data)


def crossed_out(outcomes: Sequence["Outcome"]) -> None:
    """What is removed needs no undoing."""
    from idetour.takeover import journal

    gone = {each.store.name for each in outcomes if each.state in ("not trusted", "cannot tell")}
    for entry in journal.entries():
        if entry.kind == "trust" and entry.data.get("store") in gone:
            entry.done()


def described(found: "Status") -> list[tuple[str, str]]:
    """Label and text of what the folder holds."""
    lines = [("problem", found.problem)] if found.problem else []
    if one := found.authority:
        renewable = (
            f"until {one.trusted_until:%Y-%m-%d}; its key: {one.key}" if one.key else "no: it is sealed"
        )
        lines += [
            ("file", str(one.root)),
            ("name", one.name),
            ("SHA-256", one.fingerprint),
            ("vouches for", ", ".join(one.hosts)),
            ("until", f"{one.not_after:%Y-%m-%d} ({found.days_left} days)"),
            ("renewable", renewable),
        ]
    for path, mode in found.too_open.items():
        lines.append(("warning", f"others can read {path} (mode {mode:o}): chmod go= it"))
    return lines


def lines_of(outcomes: Sequence["Outcome"]) -> list[tuple[str, str]]:
    return [(each.store.name, f"{each.state}: {each.text}") for each in outcomes]


def report(outcomes: Sequence["Outcome"], *, asked: bool, changed: str = "trusted") -> None:
    """A line for each store, then what remains to be done; the exit code says whether all went well."""
    from idetour.certs.trust import State
    from idetour.cli.screen import rows

    shown = [each for each in outcomes if asked or each.state is not State.ABSENT]
    rows(lines_of(shown), indent=0)
    for after in dict.fromkeys(
        each.store.after for each in shown if (each.state == changed) == each.store.installs
    ):
        click.echo(after)
    states = {each.state for each in shown}
    if State.FAILED in states or (asked and State.ABSENT in states):
        raise SystemExit(1)
    if State.LEFT_TO_YOU in states:
        raise SystemExit(LEFT_TO_YOU)
