"""Take the addons out of mitmproxy that have nothing to do.

mitmproxy asks each of its forty addons at each event of each flow. Where nobody
displays flows, most of them only cost time: a third of a request's. One that is
given work (its option is set) stays, and so does whatever we do not know.
"""

from mitmproxy import ctx

# Addon → the options that give it work. None at all: it serves people who look at flows.
IDLE: dict[str, tuple[str, ...]] = {
    "anticache": ("anticache",),
    "anticomp": ("anticomp",),
    "blocklist": ("block_list",),
    "browser": (),
    "commandhistory": ("command_history",),
    "comment": (),
    "cut": (),
    "disableh2c": (),  # we do not speak HTTP/2
    "maplocal": ("map_local",),
    "mapremote": ("map_remote",),
    "modifybody": ("modify_body",),
    "modifyheaders": ("modify_headers",),
    "onboarding": (),  # offers mitmproxy's own authority, which nobody should trust here
    "proxyauth": ("proxyauth",),
    "save": ("save_stream_file",),
    "savehar": ("hardump",),
    "serverplayback": ("server_replay",),
    "stickyauth": ("stickyauth",),
    "stickycookie": ("stickycookie",),
    "stripdnshttpsrecords": (),
    "updatealtsvc": (),
    "upstreamauth": ("upstream_auth",),
}
WITHOUT_MEANING = ("command_history",)  # set by default, of use in a console only


class Lean:
    """Removes idle addons once mitmproxy runs, unless it displays flows."""

    def running(self) -> None:
        addons = ctx.master.addons
        if addons.get("view") is not None:
            return
        for name, options in IDLE.items():
            addon = addons.get(name)
            if addon is not None and not any(given(option) for option in options):
                addons.remove(addon)


def given(option: str) -> bool:
    """Whether an option was set to something."""
    return option not in WITHOUT_MEANING and bool(getattr(ctx.options, option, None))
