"""`client`: a part of the user agent, or the access key that was presented, by its last four."""

from collections.abc import Sequence

from idetour.routes.asked import Asked, Verdict

LONGEST = 500  # characters of a user agent


def judge(said: Sequence[str], asked: Asked) -> Verdict:
    agent = asked.headers.get("user-agent", "")[:LONGEST]
    for name in said:
        if name.casefold() in agent.casefold():
            return Verdict(True, f"{name!r} is in the user agent")
        if asked.access and asked.access.lstrip("…") == name.lstrip("…"):
            return Verdict(True, f"the access key is {asked.access}")
    return Verdict(False, f"user agent {agent!r}, access key {asked.access or 'none'}")
