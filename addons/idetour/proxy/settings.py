"""Our options, and the settings of mitmproxy's without which we would loop or leak.

What can be set while mitmproxy starts is set here; what would make us loop, or
open us to others, is refused in one sentence.
"""

import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from mitmproxy import ctx, exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import mode_specs

from idetour.addresses import is_loopback

log = logging.getLogger("idetour")

FIXED: dict[str, object] = {
    "connection_strategy": "lazy",  # eager dials the original host before we can redirect: with a hosts entry, ourselves
    "upstream_cert": False,  # else names are sniffed from the original host, the same loop
    "http2": False,  # h2 clients get five upstream connections only, the sixth stream waits
    "keep_host_header": True,  # behind a hosts file only the Host header tells which host was meant
    "body_size_limit": "12m",  # our own limit is 10 MB and answers in JSON; this one stops what is endless
}
MODES = ("regular", "reverse", "local", "socks5")  # others have not been thought through


class Settings:
    """Registers the options and enforces the rules above."""

    _running = False

    def load(self, loader: Loader) -> None:
        loader.add_option(
            "idetour_profile", str, os.environ.get("IDETOUR_PROFILE", ""), "Profile: a name or a path."
        )
        loader.add_option(
            "idetour_keep_flows", int, 200, "Flows kept for display (0: all; memory then grows)."
        )
        loader.add_option(
            "idetour_inspect",
            str,
            "auto",
            "Make flows of requests: always, never (quickest), or auto: where they are displayed, saved or handled.",
            choices=("auto", "always", "never"),
        )
        loader.add_option(
            "idetour_keep_bodies",
            bool,
            False,
            "Keep what is said, without keys, for a day: for the dashboard.",
        )
        loader.add_option("idetour_lan", bool, False, "Serve other machines too. Needs an access key.")
        loader.add_option(
            "idetour_trace", bool, False, "Show each attempt at an upstream as a flow of its own."
        )
        ctx.options.update(**FIXED)

    def running(self) -> None:
        self._running = True

    def configure(self, updated: set[str]) -> None:
        """While it runs, mitmproxy tells who changed an option what is wrong; at the start it would print a traceback."""
        try:
            self._check(updated)
        except exceptions.OptionsError as error:
            if self._running:
                raise
            log.error("%s", error)
            sys.exit(1)

    def _check(self, updated: set[str]) -> None:
        options = ctx.options
        for name in updated & FIXED.keys():
            if getattr(options, name) != FIXED[name]:
                raise exceptions.OptionsError(
                    f"idetour needs {name}={FIXED[name]}: otherwise it would loop or stall."
                )
        if "stream_large_bodies" in updated and options.stream_large_bodies:
            raise exceptions.OptionsError(
                "idetour cannot route a request that is streamed: unset stream_large_bodies."
            )
        if "ssl_insecure" in updated and options.ssl_insecure:
            raise exceptions.OptionsError("idetour does not run with ssl_insecure: keys would go to anyone.")
        if "idetour_keep_flows" in updated and options.idetour_keep_flows < 0:
            raise exceptions.OptionsError("idetour_keep_flows must be 0 or more.")
        if "idetour_inspect" in updated and options.idetour_inspect not in ("auto", "always", "never"):
            raise exceptions.OptionsError("idetour_inspect must be auto, always or never.")
        if options.idetour_inspect == "never" and getattr(options, "proxyauth", None):
            raise exceptions.OptionsError(
                "Only flows are asked for proxyauth's password: unset idetour_inspect."
            )
        for name in updated & {"save_stream_file", "hardump"}:
            keep_to_owner(getattr(options, name, None))
        if updated & {"mode", "listen_host", "idetour_lan"}:
            check_modes(options.mode, options.listen_host, lan=options.idetour_lan)


def keep_to_owner(path: str | None) -> None:
    """Close the file that flows will be saved to before there are any: mitmproxy lets others read what is said.

    `+` before a path and `%` in it mean to mitmproxy what they mean here: go on with a file, and the time.
    """
    if path and path != "-":
        with suppress(OSError, ValueError):  # mitmproxy will say what is wrong with it
            file = Path(time.strftime(path.removeprefix("+"))).expanduser()
            file.touch(0o600)
            if not file.stat().st_size:  # one that holds something is as its owner wants it
                file.chmod(0o600)


def check_modes(modes: list[str], listen_host: str, *, lan: bool) -> None:
    """Raises OptionsError for a mode that we do not serve and for an address that others could reach."""
    for spec in modes:
        mode = mode_specs.ProxyMode.parse(spec)
        if mode.type_name not in MODES:
            raise exceptions.OptionsError(
                f"idetour does not work in {mode.type_name} mode. Use {', '.join(MODES)}."
            )
        host = mode.listen_host(listen_host)
        if host and not lan and not is_loopback(host):
            raise exceptions.OptionsError(
                f"idetour holds your keys and listens on this machine only, not on {host}: "
                "use 127.0.0.1, or set idetour_lan=true and an access key (IDETOUR_API_KEY)."
            )


def closed(modes: list[str], listen_host: str) -> list[str]:
    """The modes with an address each: mitmproxy's own default is every address of the machine."""
    return [
        spec if mode_specs.ProxyMode.parse(spec).listen_host(listen_host) else with_loopback(spec)
        for spec in modes
    ]


def with_loopback(spec: str) -> str:
    """`regular` and `regular@8081` become `regular@127.0.0.1:8080` and `regular@127.0.0.1:8081`."""
    mode = mode_specs.ProxyMode.parse(spec)
    head = spec.rpartition("@")[0] if "@" in spec else spec
    return f"{head}@127.0.0.1:{mode.listen_port(ctx.options.listen_port)}"
