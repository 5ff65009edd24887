"""Programs that came to the running idetour lately and did not take its certificate."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from idetour.doctor.hop import Finding, Hop, broken, note, ok, skipped

RECENT_SECONDS = 600.0  # as long as it may be what the user asks about


def judged(health: Mapping[str, Any], now: float) -> Iterator[Finding]:
    """A finding for each sentence, the newest first. What is old may have been cured since."""
    if "handshakes" not in health:
        yield skipped("this idetour does not tell; its log does")
        return
    for failed in reversed(health.get("refusals") or []):
        text = f"{time.strftime('%H:%M:%S', time.localtime(failed['at']))}  {failed['said']}"
        if now - failed["at"] < RECENT_SECONDS:
            yield broken(text, failed["remedy"])
        else:
            yield note(text)
    if not health["handshakes"]:
        yield ok("no program has turned away from the certificate since idetour started")


HOP = Hop(name="handshakes", look=lambda road: judged(road.health, time.time()), needs=("port",))
