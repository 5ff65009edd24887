"""Whether anybody wants an intercepted connection, or a direct request, as mitmproxy's flows.

Where nobody does, the gateway serves the connection itself, at a third of the cost.
"""

from mitmproxy import ctx, hooks
from mitmproxy.addonmanager import traverse

from idetour.proxy.lean import IDLE
from idetour.proxy.scribe import kept_for_people

OURS = ("mitmproxy.", "idetour.")
# Wishes for TLS, and for hosts, which mitmproxy alone fulfils.
WISHES = (
    *("ciphers_client", "tls_version_client_min", "tls_version_client_max", "tls_ecdh_curve_client"),
    *("request_client_cert", "allow_hosts", "ignore_hosts", "tcp_hosts"),
)


def inspected(*, intercepted: bool) -> bool:
    """Whether a connection that comes now has to become flows.

    A direct request becomes one only where flows are displayed or saved. An intercepted one also does for
    mitmdump's lines, for other people's addons, and for options that change what mitmproxy does with it.
    """
    wish: str = ctx.options.idetour_inspect
    if wish != "auto":
        return wish == "always"
    return kept_for_people() or (intercepted and (printed() or altered() or attended()))


def printed() -> bool:
    """Whether mitmdump says a line for each flow."""
    return ctx.master.addons.get("dumper") is not None and ctx.options.flow_detail > 0


def altered() -> bool:
    """Whether mitmproxy was told to treat flows otherwise: of addons that need work, only those are left that have it."""
    options, addons = ctx.options, ctx.master.addons
    return (
        options.idetour_trace
        or any(options.has_changed(name) for name in WISHES)
        or any(addons.get(name) is not None for name in IDLE)
    )


def attended() -> bool:
    """Whether an addon that is neither mitmproxy's nor ours listens to anything."""
    others = (
        each for each in traverse(ctx.master.addons.chain) if not f"{type(each).__module__}.".startswith(OURS)
    )
    return any(callable(getattr(each, name, None)) for each in others for name in hooks.all_hooks)
