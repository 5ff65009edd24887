"""How to speak to a kind of upstream, through a waist of one method (`transport.py`)."""

from dataclasses import dataclass, field

from idetour.profile import Upstream
from idetour.upstreams.demo import Demo
from idetour.upstreams.transport import Pool, Transport


@dataclass(slots=True)
class Transports:
    """Which transport reaches an upstream: the pool, but for the scripted demo."""

    pool: Pool
    demo: Demo = field(default_factory=Demo)

    def to(self, upstream: Upstream) -> Transport:
        return self.demo if upstream.speaks == "demo" else self.pool
