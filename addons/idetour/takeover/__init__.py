"""Leading the traffic of this machine to us, and the way back.

Each way is one file; what it changes is in the journal first, with the name of
the function here that undoes it. Whoever ends (a command, the main process, its
watchdog after `kill -9`, the next start) replays the same journal.
"""

from collections.abc import Mapping
from types import MappingProxyType

from idetour.takeover import hosts, port, systemproxy
from idetour.takeover.journal import Undo

UNDO: Mapping[str, Undo] = MappingProxyType(
    {"hosts": hosts.undo, "settings": systemproxy.undo, "redirect": port.undo}
)
