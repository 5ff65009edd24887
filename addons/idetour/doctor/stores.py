"""The trust stores: each is asked through a program that reads it, by a handshake of that program's own."""

from collections.abc import Iterator

from idetour.certs import trust
from idetour.certs.stores import STORES, Store
from idetour.doctor.hop import Finding, Hop, broken, note, ok, skipped
from idetour.doctor.road import Road


def chosen(road: Road) -> list[Store]:
    """Those of the IDE; without one, those that an installation is meant for where none is named."""
    return [
        store for store in STORES.values() if (store.name in road.ide.stores if road.ide else store.unasked)
    ]


def judged(outcome: trust.Outcome, *, needed: bool) -> Finding | None:
    """`needed`: a program that reads it is led here by force, so what it thinks decides."""
    store, said = outcome.store, f"{outcome.store.title}: {outcome.state} ({outcome.text})"
    remedy = f"idetour cert install --store {store.name}. {store.after}" if store.installs else store.after
    match outcome.state:
        case trust.State.ABSENT:
            return None
        case trust.State.TRUSTED:
            return ok(said)
        case trust.State.NOT_TRUSTED if needed:
            return broken(said, remedy)
        case trust.State.NOT_TRUSTED:
            return note(f"{said}; it matters only for a takeover")
    return note(said, remedy)


def look(road: Road) -> Iterator[Finding]:
    if road.authority is None:
        yield skipped("there is no authority in its time that could be trusted")
        return
    for store in chosen(road):
        # What reads Node's or Python's own list is one program among many: it decides where it was named.
        needed = bool(road.ways) and (road.ide is not None or store.installs)
        if finding := judged(trust.look(store, road.authority), needed=needed):
            yield finding


HOP = Hop(name="trust", look=look, needs=("authority",))
