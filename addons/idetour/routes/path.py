"""`path`: the path that was asked. With a base URL of its own, each IDE can have its own rules."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from idetour.routes.asked import Asked, Verdict

LONGEST = 1000  # characters of a path


def judge(said: Sequence[str], asked: Asked) -> Verdict:
    path = asked.path[:LONGEST]
    found = next((shape for shape in said if fnmatchcase(path, shape)), None)
    return Verdict(found is not None, f"{path or 'no path'}{f' is {found}' if found else ''}")
