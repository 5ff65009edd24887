"""The certificate authority: is it there, whole, in its time, and for these hosts?"""

from collections.abc import Iterator, Sequence

from idetour import certs, home
from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road


def judged(status: certs.Status, hosts: Sequence[str], *, intercepting: bool) -> Iterator[Finding]:
    found = status.authority
    if found is None and not status.problem:
        text, remedy = "There is no certificate authority yet", "It is made at the first start: idetour run"
        yield broken(text, remedy) if intercepting else note(text, remedy)
        return
    if status.problem:
        yield broken(
            status.problem, "idetour cert renew; where it says that a new one was made: idetour cert install"
        )
    if found and (missing := [host for host in hosts if host not in found.chains]):
        yield broken(
            f"It has no certificate for {', '.join(missing)}",
            "Start idetour with this profile: it makes a new one, which has to be trusted again.",
        )
    for path, mode in status.too_open.items():
        yield note(f"Others may read {path} (mode {mode:o})", f"chmod go= {path}")
    if found and not status.problem:
        kind = "renewable" if found.key else "sealed"
        yield ok(f"{found.name}, {kind}, good for {status.days_left} more days")


def look(road: Road) -> Iterator[Finding]:
    yield from judged(certs.status(home.home() / "certs"), road.hosts, intercepting=bool(road.ways))


HOP = Hop(name="authority", look=look)
