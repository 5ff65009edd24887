"""What a profile offers, in words: for the start screen, `check`, `models` and the dashboard."""

from collections.abc import Iterator

from idetour.profile import Profile, Target, Upstream
from idetour.routes.plan import first_choice, named, ready

__all__ = ["asks_for", "first_choice", "lacking", "ready", "state", "targets"]


def targets(profile: Profile, name: str) -> Iterator[tuple[str, Target]]:
    """All targets that a name may lead to, in order, each with its part in a route: its share, or `else`."""
    if name not in profile.routes:
        if found := named(profile, name):
            yield "", found.target
        return
    for rule in profile.routes[name]:
        total = sum(rule.use.values())
        shares = {
            each: f"{weight / total:.0%}" if len(rule.use) > 1 else "" for each, weight in rule.use.items()
        }
        for each, part in (*shares.items(), *((each, "else") for each in rule.otherwise)):
            if found := named(profile, each):
                yield part, found.target


def state(upstream: Upstream) -> str:
    """Whether an upstream can be asked, and what is missing otherwise."""
    if upstream.client_key:
        return "the IDE's key"
    if upstream.keys:
        more = f" and {len(upstream.keys) - 1} more" if len(upstream.keys) > 1 else ""
        return f"key {upstream.keys[0]}{more}"
    if upstream.accounts:
        first = upstream.accounts[0]
        more = f" and {len(upstream.accounts) - 1} more" if len(upstream.accounts) > 1 else ""
        return f"account {first.name}{more}"
    if upstream.login:
        return "no login yet"
    if upstream.needs_key:
        return f"no key: set {upstream.key_names[0]}" if upstream.key_names else "no key"
    return "no key needed"


def asks_for(profile: Profile) -> str | None:
    """Which keys callers need; None: none. A variable that is not set lets nobody in."""
    if not (profile.access or profile.access_names):
        return None
    return f"an access key ({', '.join(profile.access_names) or 'written in the profile'})"


def lacking(profile: Profile) -> list[tuple[str, Upstream]]:
    """The upstreams of use here that would answer if a variable were set, each under its vendor's name.

    Of a vendor's regions and plans the first that is used, and none where another of them answers.
    """
    declared = (*profile.routes, *profile.models)
    used = {target.upstream for name in declared for _, target in targets(profile, name)}
    upstreams = profile.upstreams.values()
    served = {vendor(each) for each in upstreams if each.ready and each.needs_key}
    seen: dict[str, Upstream] = {}
    for each in sorted(upstreams, key=lambda each: each.name not in used):
        of_use = each.name in used or (profile.offer == "available" and vendor(each) not in served)
        if of_use and not each.ready and each.key_names:
            seen.setdefault(vendor(each), each)
    return [(each.title.partition(" (")[0], each) for each in seen.values()]


def vendor(upstream: Upstream) -> str:
    """Titles of one vendor's regions and plans begin alike."""
    return upstream.title.partition(" ")[0]
