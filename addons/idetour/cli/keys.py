"""A key on its way from the terminal to where it is kept, and whose it is."""

import sys
from typing import TYPE_CHECKING

import click

from idetour.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from idetour.accounts.check import Trust
    from idetour.profile import Profile, Upstream
    from idetour.secret import Secret

LONGEST = 4096  # characters of a key that is piped in

of_profile = click.option(
    "--profile", "profile_name", metavar="PROFILE", help="Whose upstreams are meant; without one, the usual."
)


def profile_of(name: str | None) -> "Profile":
    """The profile of this name; without one IDETOUR_PROFILE's, or `default`. Raises SetupError."""
    from idetour.profile.read import find, read

    return read(find(name))


def upstream_of(profile_name: str | None, name: str) -> "Upstream":
    """Raises SetupError that offers the nearest name."""
    from idetour.profile.problem import near

    upstreams = profile_of(profile_name).upstreams
    if name in upstreams and upstreams[name].speaks != "demo":
        return upstreams[name]
    hint = near(name, upstreams) or "a server of your own has to stand in a profile: --profile PROFILE"
    raise SetupError(f"No upstream that takes keys is called '{name}'; {hint.rstrip('?')}.")


def state() -> "Path":
    from idetour import home

    return home.folder("state")


def typed_key(title: str) -> "Secret":
    """From a hidden prompt, or the first line of a pipe. Raises SetupError for none."""
    from idetour.secret import Secret

    if sys.stdin.isatty():
        said = click.prompt(f"Key of {title} (it is not shown)", hide_input=True, err=True)
    else:
        said = sys.stdin.readline(LONGEST)
    if not said.strip():
        raise SetupError(
            "No key came. Type it when asked, or pipe it in: cat key.txt | idetour accounts add nim"
        )
    return Secret(said.strip())


def check_shape(key: "Secret", upstream: "Upstream") -> None:
    """Raises SetupError for the key of another vendor."""
    from idetour.accounts.shapes import objection

    if said := objection(key.reveal(), upstream.url):
        raise SetupError(f"This key is not for {upstream.title}: {said}.")


def check_name(name: str) -> None:
    """Raises SetupError for what no account can be called."""
    from idetour.accounts import NAME

    if not NAME.fullmatch(name):
        raise SetupError(f"'{name}' cannot be a name: letters, digits, . _ and - only, at most 40.")


def keep(key: "Secret", upstream: "Upstream", *, name: str, weight: float = 1.0) -> None:
    """Store a key and say where. Raises SetupError."""
    from idetour.accounts import store

    check_shape(key, upstream)
    if name:
        check_name(name)
    made = store.add(state(), key, upstream=upstream.name, url=upstream.url, name=name, weight=weight)
    place = state() / store.FILE if made.key else "the system's keyring"
    click.echo(f"{made.full_name} {key}: kept in {place}")


def trust() -> "Trust":
    """The system's certificates without our own: where a hosts file leads to us, no key is proved by our answer."""
    from idetour import home
    from idetour.certs.authority import load
    from idetour.certs.outbound import outbound_context

    authority = load(home.folder("certs"))
    return lambda ca: outbound_context(authority, ca)
