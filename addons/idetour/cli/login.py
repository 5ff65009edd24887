"""`idetour login`: a key or a login that is proved before it is kept.

Qwen's is confirmed in a browser, on this device or by its QR code on another;
DashScope's key is tried at each of its regions and plans, because it works at one alone.
"""

import math
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from idetour.cli.keys import (
    check_name,
    check_shape,
    keep,
    of_profile,
    profile_of,
    trust,
    typed_key,
    upstream_of,
)
from idetour.errors import SetupError

if TYPE_CHECKING:
    from rich.status import Status

    from idetour.accounts.check import Verdict
    from idetour.accounts.qwen.oauth import Invitation, Server
    from idetour.accounts.qwen.tokens import Tokens
    from idetour.profile import Profile, Upstream
    from idetour.secret import Secret

FAMILY = "dashscope"  # upstreams of this name and those that begin with it are one vendor's


@click.command(short_help="Log in to an upstream, or keep its key once it is proved.")
@click.argument("upstream", required=False)
@click.argument("name", required=False)
@of_profile
def login(upstream: str | None, name: str | None, profile_name: str | None) -> None:
    """Log in to UPSTREAM: `qwen` in a browser, `dashscope`, `nim`, `openrouter` and others with a key.

    Without UPSTREAM: show which there are.

    A key is asked for, or read from a pipe, tried by calls that cost nothing, and kept.
    NAME tells several accounts of one upstream apart.
    """
    if upstream is None:
        return choices(profile_of(profile_name))
    place = upstream_of(profile_name, upstream)
    if place.login == "qwen":
        return qwen(place, name)
    several = upstream == FAMILY
    key = typed_key(place.title.partition(" (")[0] if several else place.title)
    places = family(profile_of(profile_name), key) if several else [place]
    return keep(key, proved(places, key), name=name or "")


def family(profile: "Profile", key: "Secret") -> "list[Upstream]":
    """The regions of DashScope; those of its Coding Plan for a key of that."""
    from idetour.accounts.shapes import CODING_PLAN

    coding = key.reveal().startswith(CODING_PLAN)
    every = profile.upstreams.values()
    places = [each for each in every if each.name == FAMILY or each.name.startswith(f"{FAMILY}-")]
    return [each for each in places if ("-coding" in each.name) == coding]


def choices(profile: "Profile") -> None:
    """Where one can log in, and where one is."""
    from idetour.cli.screen import console, table
    from idetour.routes.offer import state

    places = [each for each in profile.upstreams.values() if each.needs_key or each.login]
    table(("upstream", "", ""), [(each.name, each.title, state(each)) for each in places])
    console.print("\nidetour login UPSTREAM keeps a key for one of these, once it is proved.")


def proved(places: "list[Upstream]", key: "Secret") -> "Upstream":
    """The first place that accepts the key, with a word on each. Raises SetupError where none does."""
    from idetour.accounts import check
    from idetour.cli.screen import console

    check_shape(key, places[0])
    with console.status("Asking …"):
        verdicts = check.each(places, key, trust())
    for verdict in verdicts:
        console.print(f"{'✓' if verdict.good else '·'} {verdict}")
    if well := next((verdict for verdict in verdicts if verdict.good), None):
        return well.upstream
    raise SetupError(f"Nothing was kept. {remedy(verdicts)}")


def remedy(verdicts: "list[Verdict]") -> str:
    outcomes = {verdict.outcome for verdict in verdicts}
    if outcomes <= {"unreachable"}:
        return "Look at your network, or name a `proxy:` of the upstream in a profile."
    if "forbidden" in outcomes:
        return "Look at the account there. To keep the key all the same: idetour accounts add UPSTREAM"
    if "unclear" in outcomes:
        return "To keep the key all the same: idetour accounts add UPSTREAM"
    return "Copy the key again, whole, from the page where it was made."


def qwen(place: "Upstream", name: str | None) -> None:
    """By the device flow. Ctrl-C leaves everything as it was."""
    import asyncio

    from idetour.accounts import qwen as about
    from idetour.accounts.qwen import oauth, tokens
    from idetour.cli.screen import console

    chosen = name or tokens.FIRST
    check_name(chosen)
    console.print(f"{about.ENDED}\n{about.INSTEAD}\n", style="yellow")
    try:
        made = asyncio.run(granted(oauth.server(place.proxy, place.ca)))
    except KeyboardInterrupt:
        raise SetupError("Cancelled. Nothing was changed.") from None
    file = tokens.path(tokens.folder(), chosen)
    tokens.write(file, made)
    console.print(f"Logged in as {place.name}/{chosen}: {file}")


async def granted(server: "Server") -> "Tokens":
    """Show where to confirm, and wait until somebody has. Raises IdetourError."""
    from idetour.accounts.qwen import oauth

    async with server.client() as client:
        invitation = await oauth.invite(client)
        show(invitation)
        async with waiting(invitation):
            return await oauth.confirmed(client, invitation)


def show(invitation: "Invitation") -> None:
    """The address, and its QR code where there is a terminal to draw it in."""
    import segno

    from idetour.cli.screen import console

    console.print("Open this page, or scan the code, and confirm:\n")
    console.print(f"  {invitation.url}\n")
    console.print(f"  code {invitation.user_code}\n")
    if sys.stdout.isatty():
        segno.make(invitation.url, error="l").terminal(sys.stdout, compact=True, border=2)


@asynccontextmanager
async def waiting(invitation: "Invitation") -> AsyncIterator[None]:
    """A line that counts down, where there is a terminal."""
    import asyncio

    from idetour.cli.screen import console

    async def count(line: "Status") -> None:
        while True:
            left = max(0, math.ceil(invitation.until - time.monotonic()))
            line.update(f"Waiting for you to confirm: {left // 60}:{left % 60:02} left. Ctrl-C cancels.")
            await asyncio.sleep(1)

    with console.status("Waiting for you to confirm.") as line:
        counting = asyncio.create_task(count(line))
        try:
            yield
        finally:
            counting.cancel()
