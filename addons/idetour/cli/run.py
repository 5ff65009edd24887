"""`idetour run`: start the proxy and say in a few lines how to use it."""

import errno
import gc
import ipaddress
import logging
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from idetour import ports
from idetour.cli.group import PORT, Setting
from idetour.cli.lead import WAYS, Way, prepared

WEB_PORT = 8081
COLUMNS = ("method", "path", "status", "comment", "size", "time")  # mitmweb's own have no comment
CHATTER = {  # a line per connection
    "mitmproxy.proxy": logging.ERROR,  # warns of each handshake that failed, as we do with the remedy
    "mitmproxy.addons": logging.WARNING,
    "tornado.access": logging.WARNING,
}


def where(host: str) -> str:
    """`HOST` counts where it is an address: some shells call the machine so, and conda the compiler's target."""
    from idetour.profile.environment import variables

    env = variables()
    if env.get("HOST") != host or "IDETOUR_HOST" in env or host == "localhost":
        return host
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "127.0.0.1"


@click.command(short_help="Start the proxy.")
@click.argument("profile", required=False, envvar="IDETOUR_PROFILE")
@click.option(
    "-p",
    "--port",
    cls=Setting,
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    envvar=PORT,
    help="Where it listens; 0 for any.",
)
@click.option(
    "--host",
    cls=Setting,
    default="127.0.0.1",
    show_default=True,
    envvar=["IDETOUR_HOST", "HOST"],
    callback=lambda context, parameter, value: where(value),
    help="Another than loopback needs an access key.",
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
    from idetour.accounts.pool import read
    from idetour.cli.welcome import start_screen
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
    words = arguments(path, (host, str(port)), modes, lan=lan, trace=trace, keep_bodies=keep_bodies)
    detail = f"flow_detail={int(trace)}"  # a line for each attempt
    words += shown_in_browser(quiet=quiet) if web else ["--set", detail]
    set_up_log(web=web, verbose=verbose, quiet=quiet)
    with plan.held():
        start([*words, *options], partial(start_screen, made, host, port, modes), web=web)


def arguments(profile: Path, listen: tuple[str, str], modes: tuple[str, ...], **switches: bool) -> list[str]:
    """mitmproxy's command line; each of `switches` is an option of ours."""
    from idetour import home

    host, port = listen
    return [
        *("-s", str(home.shipped("addon.py"))),
        *("--listen-host", host, "--listen-port", port, "--mode", "regular"),
        *(word for mode in modes for word in ("--mode", mode)),
        *("--set", f"confdir={home.folder('mitmproxy')}"),
        *("--set", f"idetour_profile={profile}"),
        *(word for name, on in switches.items() for word in ("--set", f"idetour_{name}={str(on).lower()}")),
        *("--set", "show_ignored_hosts=false"),
    ]


def shown_in_browser(*, quiet: bool) -> list[str]:
    """mitmweb's own options; its page is opened only where somebody looks at a terminal."""
    port = ports.next_free("127.0.0.1", WEB_PORT - 1)
    columns = [word for column in COLUMNS for word in ("--set", f"web_columns={column}")]
    alone = [] if sys.stdout.isatty() else ["--no-web-open-browser"]
    lines = ["--set", "termlog_verbosity=warn"] if quiet else []
    return ["--web-port", str(port), *columns, *alone, *lines]


def set_up_log(*, web: bool, verbose: bool, quiet: bool) -> None:
    """Our lines go straight to the terminal: by mitmproxy's way, through all of its addons, a line costs as much
    as a fifth of its request. mitmweb shows them in its event log, so there they take that way as well.
    """
    if not verbose:
        for name, level in CHATTER.items():
            logging.getLogger(name).setLevel(level)
    from idetour.cli.lines import Beside, handler
    from idetour.gateway.logs import debugging
    from idetour.profile.environment import variables

    ours = logging.getLogger("idetour")
    ours.addHandler(handler(verbose=verbose, quiet=quiet))
    if web:
        ours.addHandler(Beside())
    ours.setLevel(logging.DEBUG if verbose or debugging(variables()) else logging.INFO)
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
