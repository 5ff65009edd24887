"""Binds itself to limits, becomes another user if one is named, then the command: `python bound.py HOW COMMAND…`.

What is set before the command is there holds for all that it starts, and it cannot undo it. HOW is JSON, as
limits.py writes it.
"""

import json
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path


def bind(limits: dict[str, list[int]], nice: int, sooner: int) -> None:
    """A limit that is there already and tighter stays, the soft one like the hard one."""
    for name, (soft, hard) in limits.items():
        which = getattr(resource, name)
        soft_now, hard_now = resource.getrlimit(which)
        resource.setrlimit(which, (tighter(soft, soft_now), tighter(hard, hard_now)))
    os.nice(nice)
    with suppress(OSError):  # Linux's
        Path("/proc/self/oom_score_adj").write_text(str(sooner))


def tighter(asked: int, now: int) -> int:
    return asked if now == resource.RLIM_INFINITY else min(asked, now)


def become(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def main(how: str, *command: str) -> None:
    asked = json.loads(how)
    try:
        bind(asked["limits"], asked["nice"], asked["sooner"])
        if who := asked["who"]:
            become(*who)
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)  # noqa: T201 - its console
        sys.exit(126)


if __name__ == "__main__":
    main(*sys.argv[1:])
