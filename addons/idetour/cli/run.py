"""`idetour run`: start the proxy and say in a few lines how to use it."""

import errno
import gc
import logging
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import click

from idetour import ports
from idetour.cli.lead import WAYS, Way, prepared

if TYPE_CHECKING:
    from idetour.profile import Profile, Upstream

WEB_PORT = 8081
COLUMNS = ("method", "path", "status", "comment", "size", "time")  # mitmweb's own have no comment
CHATTER = {  # a line per connection
    "mitmproxy.proxy": logging.ERROR,  # warns of each handshake that failed, as we do with the remedy
    "mitmproxy.addons": logging.WARNING,
    "tornado.access": logging.WARNING,
}
NOBODY = {4: "192.0.2.1", 6: "2001:db8::1"}  # addresses for documentation: RFC 5737, RFC 3849
VENDORS = 4  # without a key, that are named


@click.command(short_help="Start the proxy.")
@click.argument("profile", required=False, envvar="IDETOUR_PROFILE")
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar=["IDETOUR_PORT", "PORT"],
    help="Where it listens; 0 for any.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Another than loopback needs an access key."
)
@click.option("--web", is_flag=True, help="With mitmweb: see live what the IDE says.")
@click.option("--trace", is_flag=True, help="Show each attempt at an upstream as a flow of its own.")
@click.option(
    "--mode",
    "modes",
    multiple=True,
    metavar="MODE",
    help="A mitmproxy mode beside the main port; repeatable.",
)
@click.option(
    "--takeover",
    type=click.Choice(WAYS),
    help="Lead this machine's programs here until idetour ends.",
)
@click.option(
    "--keep-bodies", is_flag=True, help="Keep what is said, without keys, for a day: for the dashboard."
)
@click.option("-v", "--verbose", is_flag=True, help="mitmproxy's own log as well.")
@click.option("-q", "--quiet", is_flag=True, help="No line for each request.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- MITMPROXY OPTIONS]")
def run(
    profile: str | None,
    port: int,
    host: str,
    web: bool,
    trace: bool,
    modes: tuple[str, ...],
    takeover: Way | None,
    keep_bodies: bool,
    verbose: bool,
    quiet: bool,
    options: tuple[str, ...],
) -> None:
    """Start the proxy with PROFILE (a name or a path; without one: `default`).

    One port serves the base URL, CONNECT and absolute-form requests. A hosts
    file needs port 443 as well: --takeover hosts sees to both.
    """
    from idetour import home
    from idetour.accounts.pool import read
    from idetour.profile.read import find

    if profile and profile.startswith("-"):  # `run -- -w FILE`: there is no profile before the options
        options, profile = (profile, *options), None
    path = find(profile)
    made = read(path)
    port = usable(host, port)
    lan = host not in ("127.0.0.1", "::1", "localhost")
    if lan and not made.access:
        raise click.ClickException(
            f"Listening on {host} lets others spend your keys. Set IDETOUR_API_KEY (or `access:` in the profile) first."
        )
    check(modes, host, lan=lan)
    plan = prepared(takeover, made, host=host, port=port)
    modes += plan.modes
    arguments = [
        *("-s", str(home.shipped("addon.py"))),
        *("--listen-host", host, "--listen-port", str(port), "--mode", "regular"),
        *(word for mode in modes for word in ("--mode", mode)),
        *("--set", f"confdir={home.folder('mitmproxy')}"),
        *("--set", f"idetour_profile={path}"),
        *("--set", f"idetour_lan={str(lan).lower()}"),
        *("--set", f"idetour_trace={str(trace).lower()}"),
        *("--set", f"idetour_keep_bodies={str(keep_bodies).lower()}"),
        *("--set", "show_ignored_hosts=false"),
    ]
    if web:
        arguments += ["--web-port", str(ports.next_free("127.0.0.1", WEB_PORT - 1))]
        arguments += [word for column in COLUMNS for word in ("--set", f"web_columns={column}")]
        if not sys.stdout.isatty():
            arguments += ["--no-web-open-browser"]
    else:
        arguments += ["--set", f"flow_detail={int(trace)}"]  # a line for each attempt
    set_up_log(web=web, verbose=verbose, quiet=quiet)
    with plan.held():
        start([*arguments, *options], partial(start_screen, made, host, port, modes), web=web)


def set_up_log(*, web: bool, verbose: bool, quiet: bool) -> None:
    """Our lines go straight to the terminal: by mitmproxy's way, through all of its addons, a line costs as much
    as a fifth of its request. mitmweb shows them in its event log, so there they do take that way.
    """
    if not verbose:
        for name, level in CHATTER.items():
            logging.getLogger(name).setLevel(level)
    if not web:
        from idetour.cli.lines import handler
        from idetour.gateway.logs import debugging

        ours = logging.getLogger("idetour")
        ours.addHandler(handler(verbose=verbose, quiet=quiet))
        ours.setLevel(logging.DEBUG if verbose or debugging() else logging.INFO)
        ours.propagate = False


def start(arguments: list[str], say: Callable[[], None], *, web: bool) -> None:
    """Hand over to mitmproxy; `say` is called once it listens. Returns when it has stopped; raises why it did not start."""
    from mitmproxy.tools import main

    from idetour.proxy import announce, problem

    def listening() -> None:
        say()
        gc.collect()
        gc.freeze()  # what was imported stays: to look through it each time blocks the loop for a tenth of a second

    announce(listening)
    (main.mitmweb if web else main.mitmdump)(arguments)
    if error := problem():
        raise error


def usable(host: str, port: int) -> int:
    """The port to listen on; 0 stands for any. Raises with the holder's name and the next free port."""
    error = ports.obstacle(host, port)
    if error is None:
        return port or ports.any_free(host)
    if error.errno != errno.EADDRINUSE:
        raise click.ClickException(f"Cannot listen on {host}, port {port}: {error.strerror or error}.")
    by = ports.holder(port)
    raise click.ClickException(
        f"Port {port} is in use{f' by {by}' if by else ''}. "
        f"Stop it, or take the next free one: idetour run -p {ports.next_free(host, port)}"
    )


def check(modes: tuple[str, ...], host: str, *, lan: bool) -> None:
    """Refuse what mitmproxy or we would refuse, before anything is said to listen."""
    if not modes:
        return
    from mitmproxy.exceptions import OptionsError

    from idetour.proxy.settings import MODES, check_modes

    for mode in modes:
        try:
            check_modes([mode], host, lan=lan)
        except OptionsError as error:
            raise click.ClickException(str(error)) from error
        except ValueError as error:
            raise click.ClickException(f"--mode {mode}: {error}. Use {', '.join(MODES)}.") from error


def reached(host: str) -> tuple[str, str]:
    """Where this machine reaches what listens on `host`, and where others do, as they stand in a URL."""
    wild = {"0.0.0.0": ("127.0.0.1", 4), "::": ("::1", 6)}
    here, version = wild.get(host, (host, 0))
    there = (address(version) if version else None) or here
    return url_host(here), url_host(there)


def address(version: int) -> str | None:
    """This machine's own towards others, IPv4 or 6; None without a network. Connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((NOBODY[version], 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def start_screen(profile: "Profile", host: str, port: int, modes: tuple[str, ...]) -> None:
    """What it listens on, what to type into the IDE, which keys are missing, and a line that works as it stands."""
    from idetour import __version__
    from idetour.cli.screen import console, rows, warn
    from idetour.routes.offer import asks_for, first_choice, lacking, ready
    from idetour.routes.plan import offered

    here, there = reached(host)
    base, others = f"http://{here}:{port}", f"http://{there}:{port}"
    names = [name for name in offered(profile) if ready(profile, name)]
    example = first_choice(profile)
    shown = sorted(names, key=lambda name: name != example)[:4]
    more = f" and {len(names) - len(shown)} more (idetour models)" if len(names) > len(shown) else ""
    console.print(f"idetour {__version__}", style="bold", end="  ")
    console.print(f"profile {profile.name}  listening on {', '.join([others, *modes])}")
    warn(profile.warnings)
    lines = [
        ("Base URL", f"{base}/v1"),
        *([("For others", f"{others}/v1")] if others != base else []),
        ("Model", ", ".join(shown) + more),
        ("API key", asks_for(profile) or "anything"),
        ("Dashboard", f"{base}/admin#token={once()}  (works once)"),
        ("As a proxy", f"{base} intercepts {', '.join(profile.hosts)}; trust `idetour cert path` for it"),
    ]
    if missing := families(lacking(profile)):
        left = len(missing) - VENDORS
        more = f" and {left} more (idetour models --all)" if left > 0 else ""
        named = [f"{vendor} ({each.key_names[0]})" for vendor, each in missing[:VENDORS]]
        lines.append(("No key yet", ", ".join(named) + more))
    rows(lines)
    request = f'{{"model":"{example}","stream":true,"messages":[{{"role":"user","content":"hello"}}]}}'
    key = " -H 'Authorization: Bearer YOUR_ACCESS_KEY'" if asks_for(profile) else ""
    console.print("\nTry it:", style="bold")
    console.print(f"curl -N {base}/v1/chat/completions{key} -d '{request}'\n")


def once() -> str:
    """What lets the owner's browser in, one time."""
    from idetour import home
    from idetour.endpoints.admin import token
    from idetour.endpoints.admin.session import link

    return link(token(home.folder("state")))


def families(upstreams: "list[Upstream]") -> "list[tuple[str, Upstream]]":
    """The first upstream of each vendor, under its title without a remark: its regions and plans begin alike."""
    first: dict[str, tuple[str, Upstream]] = {}
    for upstream in upstreams:
        title = upstream.title.partition(" (")[0]
        first.setdefault(title.partition(" ")[0], (title, upstream))
    return list(first.values())
