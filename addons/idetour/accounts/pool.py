"""The accounts of this home, laid over a profile: whoever has a key or login for an upstream joins in.

The profile says who may be asked, this who can be. Requests under way keep the
credentials that they began with, so that an account may be added, rested or removed at any time.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from idetour import home
from idetour.accounts import store
from idetour.accounts.qwen import oauth, tokens
from idetour.accounts.qwen.login import Login, Session
from idetour.accounts.store import Added, Kept, origin
from idetour.disk import stamp
from idetour.errors import SetupError
from idetour.profile import Profile, Upstream
from idetour.profile import read as profiles
from idetour.profile.credential import Credential, Key, Kind
from idetour.profile.environment import variables
from idetour.secret import Secret

log = logging.getLogger("idetour")

AGAIN_SECONDS = 30.0  # until a keyring that did not answer is asked once more
PREFERRED = 1e6  # the weight of DEFAULT_ACCOUNT: it comes first, the others when it rests


@dataclass(frozen=True, slots=True)
class Listed:
    """An account, for people. Times in seconds since 1970."""

    name: str  # upstream/name; of the environment's keys the upstream alone
    kind: Kind
    key: str  # its end
    disabled: bool = field(default=False, kw_only=True)
    trouble: str = field(default="", kw_only=True)
    weight: float = field(default=1.0, kw_only=True)
    added: float | None = field(default=None, kw_only=True)
    expires: float | None = field(default=None, kw_only=True)


@dataclass(slots=True)
class Accounts:
    """`folder` has `accounts.json`, `logins` Qwen's files; None: there are none. `read` blocks, nothing else does."""

    folder: Path | None = None
    logins: Path | None = None
    _kept: Kept = field(default_factory=Kept)
    _secrets: dict[str, Secret] = field(default_factory=dict)  # by the id of what was added
    _sessions: dict[str, Session] = field(default_factory=dict)  # by name
    _stamp: object = None
    _again: float | None = None  # on the monotonic clock

    def changed(self) -> bool:
        """Whether `read` would find something new. Costs a few stats."""
        overdue = self._again is not None and time.monotonic() > self._again
        return (
            overdue or self._seen() != self._stamp or any(each.changed() for each in self._sessions.values())
        )

    def read(self) -> list[str]:
        """What there is now; returns which logins are not what they were. What cannot be read is logged and left out."""
        self._stamp = self._seen()
        if self.folder:
            try:
                self._kept = store.read(self.folder)
            except SetupError as error:
                log.warning("%s The accounts as they were stay in use.", error)
        self._secrets = dict(self._revealed())
        files = tokens.files(self.logins) if self.logins else {}
        for name in self._sessions.keys() - files.keys():
            del self._sessions[name]
        for name, file in files.items():
            self._sessions.setdefault(name, Session(name, file))
        changed = [name for name, session in self._sessions.items() if session.changed()]
        for name in changed:
            session = self._sessions[name]
            session.read()
            if session.trouble:
                log.warning("Qwen account %s: %s", name, session.trouble)
        return changed

    def _seen(self) -> object:
        file = stamp(self.folder / store.FILE) if self.folder else None
        return file, tuple(tokens.files(self.logins)) if self.logins else ()

    def _revealed(self) -> Iterator[tuple[str, Secret]]:
        known, self._again = self._again is not None, None
        for each in self._kept.added:
            try:
                secret = each.secret()
            except SetupError as error:
                self._again = time.monotonic() + AGAIN_SECONDS
                said = logging.DEBUG if known else logging.WARNING  # once, not every half minute
                log.log(said, "The key of account %s is not at hand. %s", each.full_name, error)
                continue
            if secret:
                yield each.id, secret
            else:
                log.warning(
                    "The key of account %s is no longer in the system's keyring: "
                    "idetour accounts remove %s, and add it again.",
                    each.full_name,
                    each.full_name,
                )

    def over(self, profile: Profile) -> Profile:
        """The profile, and in its upstreams the accounts that are not at rest."""
        upstreams = {name: self._with(upstream) for name, upstream in profile.upstreams.items()}
        return replace(profile, upstreams=upstreams)

    def _with(self, upstream: Upstream) -> Upstream:
        found: tuple[Credential, ...] = (*self._added(upstream), *self._logged_in(upstream))
        return replace(upstream, accounts=found) if found else upstream

    def _added(self, upstream: Upstream) -> Iterator[Key]:
        for each in self._kept.added:
            secret = self._secrets.get(each.id)
            if each.upstream != upstream.name or secret is None or secret in upstream.keys:
                continue
            if each.full_name in self._kept.disabled or each.origin != origin(upstream.url):
                continue
            yield Key(id=each.id, value=secret, name=each.name, kind="added", weight=each.weight)

    def _logged_in(self, upstream: Upstream) -> Iterator[Login]:
        if upstream.login != "qwen" or not self._sessions:
            return
        try:
            env = variables()
            server = oauth.server(upstream.proxy, upstream.ca)
        except SetupError as error:
            log.warning("No Qwen account is used: %s", error)
            return
        preferred = env.get("DEFAULT_ACCOUNT", "").strip()
        for name, session in self._sessions.items():
            if f"{upstream.name}/{name}" not in self._kept.disabled:
                weight = PREFERRED if name == preferred else 1.0
                yield Login(
                    session=session, upstream=upstream.name, base=upstream.url, server=server, weight=weight
                )

    def listed(self, profile: Profile) -> Iterator[Listed]:
        """All accounts, those at rest and those that cannot be used as well."""
        for upstream in profile.upstreams.values():
            for key in upstream.keys:
                yield Listed(upstream.name, "environment", str(key))
            for each in self._kept.added:
                if each.upstream == upstream.name:
                    yield self._described(each, upstream)
            for name, session in self._sessions.items() if upstream.login == "qwen" else ():
                full, ends = f"{upstream.name}/{name}", session.tokens.expires if session.tokens else None
                resting = full in self._kept.disabled
                yield Listed(full, "login", "", disabled=resting, trouble=session.trouble, expires=ends)

    def _described(self, each: Added, upstream: Upstream) -> Listed:
        secret, trouble = self._secrets.get(each.id), ""
        if secret is None:
            trouble = "its key is not in the keyring"
        elif each.origin != origin(upstream.url):
            trouble = f"it was added for {each.origin}, and the profile leads {upstream.name} elsewhere"
        return Listed(
            each.full_name,
            "added",
            str(secret or ""),
            disabled=each.full_name in self._kept.disabled,
            trouble=trouble,
            weight=each.weight,
            added=each.added,
        )

    def close(self) -> set[asyncio.Task[Any]]:
        """Stop what is being renewed; returns what still cleans up behind itself."""
        return {task for session in self._sessions.values() if (task := session.close())}


def of_this_home() -> Accounts:
    """All that are kept here, read. Blocks."""
    found = Accounts(home.home() / "state", tokens.folder())
    found.read()
    return found


def read(path: Path) -> Profile:
    """A profile from its file, with the accounts of this home. Raises ProfileError."""
    return of_this_home().over(profiles.read(path))
