"""Speak to everything that offers Chat Completions: most upstreams, told apart by data alone."""

from collections.abc import Mapping

from idetour.profile import Upstream
from idetour.secret import Secret
from idetour.upstreams.asking import Asking
from idetour.upstreams.transport import Outgoing


def prepare(asking: Asking) -> Outgoing:
    """Raises BadRequest."""
    sent = headers(asking.upstream, asking.key, stream=asking.stream)
    return asking.outgoing(address(asking.upstream), asking.adapted(), headers=sent, kind=Outgoing)


def address(upstream: Upstream, what: str = "chat/completions") -> str:
    """Where an upstream has a path of OpenAI's."""
    return f"{upstream.base}/{what}"


def headers(upstream: Upstream, key: Secret | None, *, stream: bool) -> Mapping[str, str]:
    """All that goes along but Host, Via and Content-Length. The profile's own headers win over ours, not over the key."""
    made = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",  # a compressed stream arrives in lumps, or only at its end
        "user-agent": "idetour",
        **{name.lower(): value for name, value in upstream.headers.items()},
    }
    if key is not None:
        made["authorization"] = f"Bearer {key.reveal()}"
    return made
