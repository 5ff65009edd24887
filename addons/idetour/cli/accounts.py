"""`idetour accounts`: the keys and logins beside the environment's. A key is typed or piped in, never an argument."""

import json
import re
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from idetour.cli.group import Group, its_port
from idetour.cli.keys import keep, of_profile, profile_of, state, trust, typed_key, upstream_of
from idetour.errors import SetupError

if TYPE_CHECKING:
    from idetour.accounts.pool import Listed
    from idetour.profile import Upstream
    from idetour.profile.credential import Credential

NONE = "No account. Log in with `idetour login UPSTREAM`, or set a key, such as NVIDIA_API_KEY."


@click.group(cls=Group, short_help="Keys and logins: list, add, rest, remove, test, export.")
def accounts() -> None:
    """Keys that idetour keeps, and logins. One that runs notices every change within a second.

    An account's name is upstream/name, as `list` shows it.
    """


@accounts.command("list", short_help="All accounts, and how they are.")
@of_profile
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@its_port
def list_(profile_name: str | None, as_json: bool, port: int) -> None:
    """All accounts with the last four characters of their keys, the environment's included.

    Who rests, until when and why, and how often each was asked today is what the running idetour says.
    """
    from idetour.cli import faring
    from idetour.cli.screen import console, table

    told, unknown = faring.running(port)
    found = [*faring.together(known(profile_name), told, alone=bool(unknown))]
    if as_json:
        return click.echo(json.dumps([each.told() for each in found], ensure_ascii=False, indent=2))
    if not found:
        return console.print(NONE)
    today = () if unknown else ("today",)
    table(("account", "kind", "key", "weight", "since", *today, "state"), map(faring.cells, found))
    if unknown:
        console.print(unknown, style="dim")


@accounts.command(short_help="Keep a key, unchecked (`idetour login` checks it).")
@click.argument("upstream")
@click.option("--name", default="", metavar="NAME", help="Without one: key-1, key-2 …")
@click.option(
    "--weight", type=click.FloatRange(0, min_open=True), default=1.0, help="Its share of the conversations."
)
@of_profile
def add(upstream: str, name: str, weight: float, profile_name: str | None) -> None:
    """Ask for a key of UPSTREAM, or read it from a pipe, and keep it in the system's keyring or a file that only
    you can read.
    """
    place = upstream_of(profile_name, upstream)
    keep(typed_key(place.title), place, name=name, weight=weight)


@accounts.command(short_help="Forget a key, or log out.")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@of_profile
def remove(name: str, yes: bool, profile_name: str | None) -> None:
    """Forget the account NAME. A login's file is Qwen Code's too: that is logged out with it."""
    from idetour.accounts import store
    from idetour.accounts.qwen import tokens

    account = named(name, profile_name)
    if account.kind == "login":
        file = tokens.path(tokens.folder(), account.name.rpartition("/")[2])
        if not yes:
            click.confirm(f"Remove {file}? Qwen Code uses it too.", abort=True, err=True)
        file.unlink(missing_ok=True)
    store.remove(state(), account.name)
    click.echo(f"{account.name}: removed")


@accounts.command(short_help="Let an account rest.")
@click.argument("name")
@of_profile
def disable(name: str, profile_name: str | None) -> None:
    """Ask nothing more with the account NAME, until it is enabled."""
    rest(name, profile_name, disabled=True)


@accounts.command(short_help="Use an account again.")
@click.argument("name")
@of_profile
def enable(name: str, profile_name: str | None) -> None:
    """Use the account NAME again."""
    rest(name, profile_name, disabled=False)


@accounts.command(short_help="Ask each upstream whether it accepts its keys.")
@click.argument("name", required=False)
@of_profile
def test(name: str | None, profile_name: str | None) -> None:
    """Ask with the account NAME, or with all, by calls that cost nothing. Exit code 1: one is refused."""
    from idetour.accounts.pool import of_this_home
    from idetour.cli.screen import console

    upstreams = of_this_home().over(profile_of(profile_name)).upstreams.values()
    every = [(upstream, *each) for upstream in upstreams for each in credentials_of(upstream)]
    wanted = [each for each in every if name is None or each[1] == name or each[1].startswith(f"{name}/")]
    if name and not wanted:
        raise SetupError(f"No account in use is called '{name}': idetour accounts list")
    if not wanted:
        return console.print(NONE)
    results = [tried(upstream, credential) for upstream, _, credential in wanted]
    for (_, full, credential), (well, said) in zip(wanted, results, strict=True):
        console.print(f"{full} {credential.mark}  {said}", style="" if well else "red")
    if not all(well for well, _ in results):
        raise SystemExit(1)


@accounts.command(short_help="Print the added keys as lines of environment variables.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@of_profile
def export(yes: bool, profile_name: str | None) -> None:
    """Print the added keys as NAME=value, for a shell or for .env in idetour's home. Logins are not exported."""
    from idetour.accounts import store

    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("This shows keys in full, so it asks first; in a script: --yes")
        click.confirm("This shows keys in full. Go on?", abort=True, err=True)
    upstreams = profile_of(profile_name).upstreams
    found: dict[str, list[str]] = defaultdict(list)
    for each in store.read(state()).added:
        if secret := each.secret():
            found[variable(each.upstream, upstreams.get(each.upstream))].append(secret.reveal())
    for name, keys in found.items():
        click.echo(f"{name}={shlex.quote(','.join(keys))}")


def known(profile_name: str | None) -> "Iterator[Listed]":
    from idetour.accounts.pool import of_this_home

    return of_this_home().listed(profile_of(profile_name))


def named(name: str, profile_name: str | None) -> "Listed":
    """The account of this name; its upstream's alone will do where that has one. Raises SetupError."""
    found = {each.name: each for each in known(profile_name)}
    mine = [each for each in found.values() if each.name.startswith(f"{name}/")]
    account = found.get(name) or (mine[0] if len(mine) == 1 else None)
    if account is None:
        raise SetupError(f"No account is called '{name}'. There are: {', '.join(found) or 'none'}.")
    if account.kind == "environment":
        raise SetupError(f"The key of {name} stands in the environment: it is set and removed there.")
    return account


def rest(name: str, profile_name: str | None, *, disabled: bool) -> None:
    from idetour.accounts import store

    account = named(name, profile_name)
    store.disable(state(), account.name, disabled=disabled)
    click.echo(f"{account.name}: {'rests until it is enabled' if disabled else 'is used again'}")


def credentials_of(upstream: "Upstream") -> "Iterator[tuple[str, Credential]]":
    """All that an upstream can be asked with, each under its name."""
    from idetour.profile.credential import Key

    for key in upstream.keys:
        yield upstream.name, Key(id="", value=key)
    for each in upstream.accounts:
        yield f"{upstream.name}/{each.name}", each


def tried(upstream: "Upstream", credential: "Credential") -> tuple[bool, str]:
    """Whether the upstream takes it, and what it says."""
    import asyncio
    from dataclasses import replace

    from idetour.accounts import check
    from idetour.errors import UpstreamError

    if credential.trouble:
        return False, credential.trouble
    try:
        secret = asyncio.run(credential.secret())
    except UpstreamError as error:
        return False, error.message
    verdict = check.tried(replace(upstream, url=credential.url or upstream.url), secret, trust())
    return verdict.good, str(verdict)


def variable(name: str, upstream: "Upstream | None") -> str:
    """The one that the upstream's key is read from."""
    if upstream and upstream.key_names:
        return upstream.key_names[0]
    return re.sub(r"\W", "_", name).upper() + "_API_KEY"
