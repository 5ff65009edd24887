"""Accounts as they are kept, beside what the idetour that runs says of them: who rests, and who was asked how often."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from idetour.errors import SetupError

if TYPE_CHECKING:
    from idetour.accounts.pool import Listed

PATH = "/admin/api/accounts"
TOLD = ("state", "why", "left", "today")

type Running = dict[str, Any]  # an account as PATH tells it


@dataclass(frozen=True, slots=True)
class Account:
    """`running` None: the idetour that runs does not know it, or none runs (`alone`)."""

    kept: "Listed"
    running: Running | None
    alone: bool

    def told(self) -> dict[str, Any]:
        """For programs."""
        said = self.running and {name: self.running[name] for name in TOLD}
        return {**asdict(self.kept), "running": said}


def running(port: int) -> tuple[list[Running], str]:
    """All accounts of the idetour on this port; or none, and why nobody can be asked."""
    from idetour.cli.running import asked, is_idetour

    if not is_idetour(f"http://127.0.0.1:{port}"):
        why = f"No idetour runs on port {port}, so nobody knows who rests, and who was asked today."
        return [], why
    try:
        return asked(port, "GET", PATH)["accounts"], ""
    except SetupError as error:
        return [], str(error)


def together(kept: "Iterable[Listed]", found: list[Running], *, alone: bool) -> Iterator[Account]:
    """Each account once: those of this home and this shell, then those that only the one that runs has."""
    from idetour.accounts.pool import Listed

    left = {(full(each), each["key"]): each for each in found}
    for each in kept:
        yield Account(each, left.pop((each.name, each.key), None), alone)
    for (name, key), said in left.items():
        listed = Listed(name, said["kind"], key, weight=said["weight"], expires=said["expires"])
        yield Account(listed, said, alone)


def full(said: Running) -> str:
    return f"{said['upstream']}/{said['name']}" if said["name"] else str(said["upstream"])


def cells(account: Account) -> Iterator[str]:
    """An account as a line of the table."""
    kept, said = account.kept, account.running
    yield kept.name
    yield kept.kind
    yield kept.key
    yield "" if kept.weight == 1 else f"{kept.weight:g}"
    yield time.strftime("%Y-%m-%d", time.localtime(kept.added)) if kept.added else ""
    if not account.alone:
        yield "–" if said is None or said["today"] is None else f"{said['today']:,}"
    yield condition(account)


def condition(account: Account) -> str:
    from idetour.cli.screen import duration

    kept, said = account.kept, account.running
    if kept.disabled:
        return "rests (idetour accounts enable)"
    if kept.trouble:
        return kept.trouble
    if said is None and not account.alone:
        return "the running idetour does not know it"
    if said and said["state"] != "ready":
        why = f": {said['why']}" if said["why"] else ""
        return f"rests for {duration(said['left'])}{why}" if said["left"] else said["why"]
    if kept.expires is None:
        return "ready"
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.expires))
    fresh = kept.expires > time.time()
    return f"token until {until}" if fresh else f"token ended {until}; it is renewed when asked"
