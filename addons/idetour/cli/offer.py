"""What a profile offers, in words: for the start screen, `check` and `models`."""

from idetour.profile import Profile, Target, Upstream
from idetour.routes.plan import offered


def first_choice(profile: Profile) -> str:
    """The name to show in examples: the profile's own first, else a model that can answer now."""
    declared = [*profile.routes, *profile.models]
    real = [name for name in offered(profile) if not name.startswith("demo/")]
    return next((name for name in (*declared, *real) if ready(profile, name)), "demo/hello")


def ready(profile: Profile, name: str) -> bool:
    """Whether somebody can answer for a name right now, as far as keys go."""
    return any(profile.upstreams[target.upstream].ready for target in targets(profile, name))


def targets(profile: Profile, name: str) -> list[Target]:
    """All targets that a name may lead to, in order."""
    if rules := profile.routes.get(name):
        names = [each for rule in rules for each in (*rule.use, *rule.otherwise)]
        return [target for each in dict.fromkeys(names) for target in targets(profile, each)]
    if model := profile.models.get(name):
        return [model.target]
    return [Target.parse(name)] if "/" in name and name.partition("/")[0] in profile.upstreams else []


def state(upstream: Upstream) -> str:
    """Whether an upstream can be asked, and what is missing otherwise."""
    if upstream.client_key:
        return "the IDE's key"
    if upstream.keys:
        return f"key {upstream.keys[0]}" + (f" and {len(upstream.keys) - 1} more" if len(upstream.keys) > 1 else "")
    if upstream.login:
        return f"no login: idetour login {upstream.login}"
    if upstream.needs_key:
        return f"no key: set {upstream.key_names[0]}" if upstream.key_names else "no key"
    return "no key needed"


def lacking(profile: Profile) -> list[Upstream]:
    """The upstreams that would answer if a variable were set; one line each is enough for families."""
    seen: dict[str, Upstream] = {}
    for upstream in profile.upstreams.values():
        if not upstream.ready and upstream.key_names:
            seen.setdefault(upstream.key_names[0], upstream)
    return list(seen.values())
