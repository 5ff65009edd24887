"""The mitmproxy addons, in the order in which they see a flow."""

from idetour.proxy.door import Door
from idetour.proxy.scribe import Scribe
from idetour.proxy.settings import Settings


def made() -> list[Settings | Door | Scribe]:
    """A set of addons of its own."""
    scribe = Scribe()
    return [Settings(), Door(scribe), scribe]


addons = made()
