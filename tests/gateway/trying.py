"""Tries without a network, and a clock that a test moves."""

from dataclasses import dataclass
from typing import Any

from idetour.errors import UpstreamError
from idetour.gateway.faults import Fault
from idetour.gateway.tries import Try
from idetour.gateway.verdict import Scope
from idetour.profile import KnownModel, Manners, Target, Upstream
from idetour.profile.credential import Key
from idetour.routes.plan import Candidate
from idetour.secret import Secret


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def candidate(
    name: str, *, window: int | None = None, images: bool | None = None, pace: int | None = None
) -> Candidate:
    """`up/model`, at an endpoint of the upstream's own."""
    target = Target.parse(name)
    upstream = Upstream(
        name=target.upstream,
        title=target.upstream,
        url=f"https://{target.upstream}.example/v1",
        manners=Manners(pace=pace),
    )
    knows = window is not None or images is not None
    known = KnownModel(target=target, title=name, context=window, images=images) if knows else None
    return Candidate(target=target, upstream=upstream, known=known)


def trying(name: str, key: str = "", **how: Any) -> Try:
    value = Secret(f"sk-some-long-key-{key}")
    return Try(candidate(name, **how), Key(id=key, value=value) if key else None)


def fault(scope: Scope, *, status: int = 500, **how: Any) -> Fault:
    return Fault(scope=scope, error=UpstreamError(f"HTTP {status}", status=status), **how)


RATE = fault("credential×model", status=429, passes=True)
BUSY = fault("model", status=503, passes=True, busy=True)
BROKEN = fault("model")
DEAD = fault("endpoint", status=502)
REFUSED = fault("credential", status=401, rest=1800.0)
