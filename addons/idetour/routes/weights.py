"""Order names at random so that each comes first as often as its weight says."""

import math
from collections.abc import Callable, Mapping


def order(weights: Mapping[str, float], uniform: Callable[[str], float]) -> list[str]:
    """All names of positive weight, the chosen one first, the others as its natural replacements.

    `uniform(name)` is a number in [0, 1). A hash of name and conversation makes the same
    choice every time: weighted rendezvous hashing, where -ln(u)/w is smallest for the
    winner (Efraimidis and Spirakis 2006).
    """

    def rank(name: str) -> float:
        return -math.log(1 - uniform(name)) / weights[name]

    names = [name for name, weight in weights.items() if weight > 0]
    return sorted(names, key=rank) if len(names) > 1 else names  # to know a conversation, it has to be read
