"""Keys that were added by hand, and which accounts rest: `accounts.json`, and the system's keyring if there is one.

The file holds names and dates, and a key only where no keyring takes it. It is
closed to others, and at every moment whole. A key is bound to the origin for
which it was added: a profile that leads the upstream's name elsewhere does not get it.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from idetour import disk, keychain
from idetour.errors import SetupError
from idetour.secret import Secret

FILE = "accounts.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """`key` is None where it lies in the keyring, under `id`."""

    id: str
    upstream: str
    name: str
    origin: str
    added: float  # seconds since 1970
    weight: float = 1.0
    key: Secret | None = None

    @property
    def full_name(self) -> str:
        return f"{self.upstream}/{self.name}"

    def secret(self) -> Secret | None:
        """None where it is lost. Blocks. Raises SetupError where the keyring does not answer."""
        if self.key:
            return self.key
        kept = keychain.fetch(entry(self.id))
        return Secret(kept) if kept else None


@dataclass(frozen=True, slots=True)
class Kept:
    """All that the file says. `disabled` has full names, of logins too."""

    added: tuple[Added, ...] = ()
    disabled: frozenset[str] = frozenset()

    def find(self, full_name: str) -> Added | None:
        return next((each for each in self.added if each.full_name == full_name), None)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def entry(id: str) -> str:
    """Its name in the keyring."""
    return f"account-{id}"


def read(folder: Path) -> Kept:
    """Raises SetupError for a file that cannot be read; nothing is there where there is none."""
    file = folder / FILE
    try:
        said = json.loads(file.read_bytes())
        added = tuple(_added(each) for each in said["accounts"])
        return Kept(added, frozenset(map(str, said.get("disabled", ()))))
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        raise SetupError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise SetupError(
            f"{file} is broken. Move it away and add the keys again: idetour accounts add"
        ) from None


def _added(said: Mapping[str, Any]) -> Added:
    key = said.get("key")
    return Added(
        id=str(said["id"]),
        upstream=str(said["upstream"]),
        name=str(said["name"]),
        origin=str(said["origin"]),
        added=float(said["added"]),
        weight=float(said.get("weight", 1)),
        key=Secret(str(key)) if key else None,
    )


def add(folder: Path, key: Secret, *, upstream: str, url: str, name: str = "", weight: float = 1.0) -> Added:
    """Keep a key. Raises SetupError where it or its name is there already, OSError."""

    def change(kept: Kept) -> tuple[Kept, Added]:
        mine = [each for each in kept.added if each.upstream == upstream]
        chosen = name or next(
            free for n in range(1, len(mine) + 2) if (free := f"key-{n}") not in {each.name for each in mine}
        )
        for each in mine:
            if each.name == chosen:
                raise SetupError(
                    f"An account {each.full_name} is there already: idetour accounts remove {each.full_name}"
                )
            if each.secret() == key:
                raise SetupError(f"This key is there already, as {each.full_name}.")
        made = Added(
            id=secrets.token_hex(6),
            upstream=upstream,
            name=chosen,
            origin=origin(url),
            added=time.time(),
            weight=weight,
        )
        if not keychain.keep(entry(made.id), key.reveal()):
            made = replace(made, key=key)
        return replace(kept, added=(*kept.added, made)), made

    return _change(folder, change)


def remove(folder: Path, full_name: str) -> bool:
    """Whether there was such a key. What was said of the name is forgotten with it. Raises SetupError, OSError."""

    def change(kept: Kept) -> tuple[Kept, Added | None]:
        left = tuple(each for each in kept.added if each.full_name != full_name)
        return Kept(left, kept.disabled - {full_name}), kept.find(full_name)

    found = _change(folder, change)
    if found:
        keychain.forget(entry(found.id))
    return found is not None


def disable(folder: Path, full_name: str, *, disabled: bool = True) -> None:
    """Rest an account, or wake it. Raises SetupError, OSError."""
    name = {full_name}
    _change(
        folder,
        lambda kept: (
            replace(kept, disabled=kept.disabled | name if disabled else kept.disabled - name),
            None,
        ),
    )


def _change[T](folder: Path, change: Callable[[Kept], tuple[Kept, T]]) -> T:
    """Read, change and write, one process at a time."""
    with disk.locked(folder):
        kept = read(folder)
        fresh, result = change(kept)
        if fresh != kept:
            said = {"accounts": [_said(each) for each in fresh.added], "disabled": sorted(fresh.disabled)}
            disk.replace(folder / FILE, json.dumps(said, indent=2).encode())
        return result


def _said(each: Added) -> dict[str, Any]:
    said = asdict(replace(each, key=None))  # a Secret is not copied
    del said["key"]
    return said | ({"key": each.key.reveal()} if each.key else {})
