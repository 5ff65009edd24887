"""The clock: certificates and logins are judged by it. The upstreams told their time when they were asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from idetour.doctor.hop import Finding, Hop, broken, ok, skipped
from idetour.doctor.road import Road

MOST_SECONDS = 300.0  # as Kerberos has it; more, and logins begin to fail


def ahead(date: str, now: datetime | None = None) -> float | None:
    """Seconds that our clock is ahead of a `Date` header (RFC 9110 §6.6.1); None where it is no date."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    return ((now or datetime.now(UTC)) - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds()


def judged(name: str, seconds: float) -> Finding:
    if abs(seconds) <= MOST_SECONDS:
        return ok(f"as at {name}, within {max(1, round(abs(seconds)))} s")
    way = "fast" if seconds > 0 else "slow"
    return broken(
        f"This machine's clock is {abs(seconds) / 60:.0f} minutes {way}, if {name} is right",
        "Set the clock, best by switching on the automatic time of the system.",
    )


def look(road: Road) -> Iterator[Finding]:
    """One answer is enough, if it is the one that agrees most: an upstream's own clock may be wrong."""
    if not road.skews:
        yield skipped("no upstream told the time")
        return
    name, seconds = min(road.skews.items(), key=lambda each: abs(each[1]))
    yield judged(name, seconds)


HOP = Hop(name="clock", look=look, outside=True)
