"""The mitmproxy addons, in the order in which they see a flow."""

from idetour.endpoints.health import Refusals
from idetour.proxy.door import Door
from idetour.proxy.handshakes import Handshakes
from idetour.proxy.lean import Lean
from idetour.proxy.scribe import Scribe
from idetour.proxy.settings import Settings


def made() -> list[Settings | Lean | Door | Scribe | Handshakes]:
    """A set of addons of its own."""
    scribe, kept = Scribe(), Refusals()
    return [Settings(), Lean(), Door(scribe, kept), scribe, Handshakes(kept)]


addons = made()
