"""Look at one hop after the other, in the order in which a request travels."""

from collections.abc import Iterable, Iterator, Sequence

from idetour.doctor.hop import Finding, Hop, State, broken, skipped
from idetour.doctor.road import Road
from idetour.errors import SetupError

type Seen = tuple[Hop, Finding]


def walk(hops: Sequence[Hop], road: Road) -> Iterator[Seen]:
    """What is found, as it is found. A hop that needs a broken one is not looked at, and says so."""
    causes: dict[str, str] = {}  # a hop that tells nothing → the broken one that is to blame
    for hop in hops:
        if cause := next((causes[name] for name in hop.needs if name in causes), None):
            causes[hop.name] = cause
            yield hop, skipped(f"not tried, because of: {cause}")
        elif hop.outside and road.offline:
            yield hop, skipped("not tried: --offline")
        else:
            for finding in looked(hop, road):
                if finding.state is State.BROKEN:
                    causes[hop.name] = hop.name
                yield hop, finding


def looked(hop: Hop, road: Road) -> Iterator[Finding]:
    try:
        yield from hop.look(road)
    except SetupError as error:
        yield broken(str(error))


def first_broken(seen: Iterable[Seen]) -> Seen | None:
    """Where to begin: what comes after it may be its consequence."""
    return next((each for each in seen if each[1].state is State.BROKEN), None)
