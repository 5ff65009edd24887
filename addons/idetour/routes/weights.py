"""Order names at random so that each comes first as often as its weight says."""

import math
from collections.abc import Callable, Mapping


def order(weights: Mapping[str, float], random: Callable[[str], float]) -> list[str]:
    """All names of positive weight, the chosen one first, the others as its natural replacements.

    `random(name)` is uniform on [0, 1); a hash of name and conversation makes the same
    choice every time (weighted rendezvous hashing: -ln(u)/w is smallest for the winner,
    Efraimidis and Spirakis 2006).
    """
    return sorted((name for name in weights if weights[name] > 0), key=lambda name: -math.log(1 - random(name)) / weights[name])
