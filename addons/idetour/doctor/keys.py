"""Keys: has every name that an IDE may ask for somebody who can answer?

Seen is the environment of this terminal; an idetour that runs since before has its own.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road
from idetour.profile import Profile, Target, Upstream, environment


def judged(profile: Profile, leads: Mapping[str, tuple[Target, ...]]) -> Iterator[Finding]:
    """A finding for each upstream that is led to, or whose key was found."""
    ups = profile.upstreams
    used = dict.fromkeys(target.upstream for targets in leads.values() for target in targets)
    with_key = (
        [up.name for up in ups.values() if up.keys or up.accounts] if profile.offer == "available" else []
    )
    orphans = {name for name, targets in leads.items() if not any(ups[to.upstream].ready for to in targets)}
    for name in dict.fromkeys([*used, *with_key]):
        names = [each for each, targets in leads.items() if name in {to.upstream for to in targets}]
        yield of(ups[name], [each for each in names if each in orphans])
    if not used and not with_key:
        yield note(
            "No key is set, so only demo/… answers, which is no AI", "Set a key, such as NVIDIA_API_KEY."
        )


def of(upstream: Upstream, orphans: list[str]) -> Finding:
    """`orphans`: the names that lead to upstreams without a key only."""
    if upstream.ready:
        return ok(f"{upstream.title}: {held(upstream)}")
    remedy = f"idetour login {upstream.login}"
    if not upstream.login:
        which = " or ".join(upstream.key_names) or f"the key of {upstream.name}"
        remedy = f"Set {which} where idetour is started, and start it again."
    if orphans:
        return broken(
            f"{upstream.title} has no key, and nobody else answers for {', '.join(orphans)}", remedy
        )
    return note(f"{upstream.title} has no key; others answer in its place", remedy)


def held(upstream: Upstream) -> str:
    if upstream.keys or upstream.accounts:
        accounts = [f"account {each.name}" for each in upstream.accounts]
        return ", ".join([*(f"key {key}" for key in upstream.keys), *accounts])
    return "sends the key that is typed into the IDE" if upstream.client_key else "needs no key"


def open_to_others(path: Path) -> Iterator[Finding]:
    """Of a file with keys, whether other users of this machine can read it. Windows has no such modes."""
    if os.name == "posix" and path.is_file():
        mode, above = (each.stat().st_mode for each in (path, path.parent))
        if mode & 0o077 and above & 0o011:
            yield note(f"{path} can be read by other users of this machine", f"chmod 600 {path}")


def look(road: Road) -> Iterator[Finding]:
    yield from judged(road.profile, road.leads)
    yield from open_to_others(environment.file())


HOP = Hop(name="keys", look=look, needs=("profile",))
