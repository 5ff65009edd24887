"""`time`: hours and days, by this machine's clock. Nights are cheap, and work ends at some point."""

from collections.abc import Sequence

from idetour.profile import hours
from idetour.routes.asked import Asked, Verdict


def judge(said: Sequence[str], asked: Asked) -> Verdict:
    now = f"it is {hours.DAYS[asked.at.weekday()]} {asked.at:%H:%M}"
    return Verdict(any(hours.read(each).hold(asked.at) for each in said), now)
