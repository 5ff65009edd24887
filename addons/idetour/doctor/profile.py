"""The profile: does it read?"""

from collections.abc import Iterator

from idetour.doctor.hop import Finding, Hop, broken, note, ok
from idetour.doctor.road import Road
from idetour.errors import SetupError


def look(road: Road) -> Iterator[Finding]:
    try:
        profile = road.profile
    except SetupError as error:
        yield broken(str(error), "Mend it, and look again with: idetour check")
        return
    yield ok(f"{profile.path} reads")
    for warning in profile.warnings:
        yield note(warning)


HOP = Hop(name="profile", look=look)
