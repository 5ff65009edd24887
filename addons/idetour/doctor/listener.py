"""The idetour that answers: is it this version, with this profile, in good health?"""

from collections.abc import Iterator, Mapping
from typing import Any

from idetour import __version__
from idetour.doctor.hop import Finding, Hop, broken, note, ok


def judged(health: Mapping[str, Any], profile: str, version: str = __version__) -> Iterator[Finding]:
    """Of what it says of itself, and what it should say."""
    if health["profile"] != profile:
        yield broken(
            f"The running idetour has the profile {health['profile']}, not {profile}",
            f"Stop it and start: idetour run {profile}; or look at what runs: idetour doctor {health['profile']}",
        )
    if health["version"] != version:
        yield note(f"It is version {health['version']}, and this is {version}", "Stop it and start it again.")
    if problem := health.get("problem"):
        yield note(f"Its profile was changed and no longer reads; it goes on with what it had: {problem}")
    if health["profile"] == profile:
        yield ok(
            f"version {health['version']} answers with profile {profile}; models: {health.get('models', 0)}"
        )


HOP = Hop(
    name="listener", look=lambda road: judged(road.health, road.profile.name), needs=("profile", "port")
)
