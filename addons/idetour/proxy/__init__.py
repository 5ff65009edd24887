"""The mitmproxy addons, in the order in which they see a flow."""

from collections.abc import Callable

from idetour.endpoints.health import Refusals
from idetour.proxy.commands import Commands
from idetour.proxy.door import Door
from idetour.proxy.engine import Engine
from idetour.proxy.greeting import Greeting
from idetour.proxy.handshakes import Handshakes
from idetour.proxy.lean import Lean
from idetour.proxy.llmview import LlmView
from idetour.proxy.scribe import Scribe
from idetour.proxy.settings import Settings
from idetour.proxy.strangers import Strangers
from idetour.proxy.trace import Trace

type Addon = (
    Settings | Lean | Engine | Greeting | Strangers | Door | Scribe | Trace | LlmView | Commands | Handshakes
)


def made() -> list[Addon]:
    """A set of addons of its own."""
    scribe, refusals = Scribe(), Refusals()
    engine, handshakes = Engine(scribe, refusals), Handshakes(refusals)
    greeting = Greeting(engine, handshakes)
    return [
        *(Settings(), Lean(), engine, greeting, Strangers(engine)),
        *(Door(engine, scribe, greeting.to_us), scribe),
        *(Trace(engine), LlmView(), Commands(engine, scribe), handshakes),
    ]


addons = made()


def announce(say: Callable[[], None]) -> None:
    """Have `say` called once all that `addons` need listens."""
    for addon in addons:
        if isinstance(addon, Engine):
            addon.announce = say


def problem() -> BaseException | None:
    """Why they could not start, once mitmproxy has ended."""
    return next((addon.problem for addon in addons if isinstance(addon, Engine)), None)
