"""The mitmproxy addons, in the order in which they see a flow."""

from idetour.proxy.door import Door
from idetour.proxy.scribe import Scribe
from idetour.proxy.settings import Settings

_scribe = Scribe()
addons = [Settings(), Door(_scribe), _scribe]
