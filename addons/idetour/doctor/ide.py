"""The IDE that was asked about: whether its requests come from this machine at all."""

from collections.abc import Iterator

from idetour.doctor.hop import Finding, Hop, broken, ok
from idetour.doctor.road import Road


def look(road: Road) -> Iterator[Finding]:
    ide = road.ide
    if ide and ide.remote:
        yield broken(
            f"{ide.title}: its maker's servers ask the model, so nothing on this machine can lead them here",
            "Give it a public https address that leads to idetour, with an access key (IDETOUR_API_KEY); "
            "127.0.0.1 and a takeover cannot work.",
        )
    elif ide:
        remark = f" {ide.remark}" if ide.remark else ""
        yield ok(f"{ide.title} asks from this machine. As base URL it takes {road.base}/v1.{remark}")


HOP = Hop(name="ide", look=look)
