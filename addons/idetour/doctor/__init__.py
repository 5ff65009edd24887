"""Which hop is broken? Each is tried live, in the order in which a request travels. A new one is a file and a line.

First what the answer is made of (profile, keys, upstreams), then the way of a
program to us (resolver, proxies, port, TLS, trust), then both together.
"""

from idetour.doctor import (
    authority,
    clock,
    environment,
    handshakes,
    ide,
    keys,
    listener,
    models,
    port,
    profile,
    resolver,
    stores,
    stream,
    systemproxy,
    tls,
    tools,
    upstream,
)
from idetour.doctor.hop import Finding, Hop, State
from idetour.doctor.ides import IDES, Ide
from idetour.doctor.road import Road
from idetour.doctor.walk import Seen, first_broken, walk

__all__ = ["HOPS", "IDES", "Finding", "Hop", "Ide", "Road", "Seen", "State", "first_broken", "walk"]

HOPS: tuple[Hop, ...] = (
    ide.HOP,
    profile.HOP,
    keys.HOP,
    upstream.HOP,
    clock.HOP,
    resolver.HOP,
    environment.HOP,
    systemproxy.HOP,
    port.HOP,
    listener.HOP,
    authority.HOP,
    tls.HOP,
    stores.HOP,
    models.HOP,
    stream.HOP,
    tools.HOP,
    handshakes.HOP,
)
