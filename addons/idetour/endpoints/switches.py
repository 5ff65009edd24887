"""Targets that their owner has switched off: no route leads to them until they are switched on again.

State, like weights that were set while idetour runs, and kept in the same way.
"""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from idetour import disk
from idetour.errors import BadRequest, RequestError
from idetour.profile import Profile, Target
from idetour.profile.watch import Watched

log = logging.getLogger("idetour")

FILE = "switched-off.json"


@dataclass(slots=True)
class Switches:
    """Those of one profile. With `folder` they are kept in it."""

    watched: Watched
    folder: Path | None = None
    off: frozenset[Target] = field(init=False, default=frozenset())
    _turning: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        if self.folder:
            self.off = saved(self.folder, self.watched.current)

    async def turn(self, name: str, *, on: bool) -> None:
        """Switch a target on or off. Raises BadRequest for what is none, RequestError where it cannot be kept."""
        try:
            target = Target.parse(name)
        except ValueError as error:
            raise BadRequest(f"{name[:100]!r} is no target: {error}.", param="target") from None
        if not on and target.upstream not in self.watched.current.upstreams:
            raise BadRequest(f"No upstream is called {target.upstream[:100]!r} here.", param="target")
        async with self._turning:
            off = self.off - {target} if on else self.off | {target}
            if self.folder:
                try:
                    await asyncio.to_thread(save, self.folder, self.watched.current, off)
                except OSError as error:
                    said = f"What is switched off cannot be kept in {self.folder}: {error.strerror}."
                    raise RequestError(said) from error
            self.off = off


def saved(folder: Path, profile: Profile) -> frozenset[Target]:
    """What was kept for this profile; nothing where the file is missing or broken."""
    try:
        return frozenset(map(Target.parse, _all(folder).get(_key(profile), ())))
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read, so nothing is switched off: %s", folder / FILE, error)
        return frozenset()


def save(folder: Path, profile: Profile, off: Collection[Target]) -> None:
    """Other profiles' stay as they are; a broken file is begun anew. Raises OSError."""
    with disk.locked(folder):
        try:
            before = _all(folder)
        except ValueError:
            before = {}
        made = before | {_key(profile): sorted(map(str, off))}
        kept = {path: names for path, names in made.items() if names}
        disk.replace(folder / FILE, msgspec.json.format(msgspec.json.encode(kept)))


def _all(folder: Path) -> dict[str, list[str]]:
    """Raises OSError, ValueError."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, list[str]])
    except FileNotFoundError:
        return {}


def _key(profile: Profile) -> str:
    return str(profile.path.absolute())
