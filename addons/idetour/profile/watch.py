"""The profile as it is now: a changed file is picked up, a broken one keeps the last good."""

from collections.abc import Callable, Mapping
from pathlib import Path

from idetour.disk import stamp
from idetour.profile import Profile, environment
from idetour.profile.read import ProfileError, read


class Watched:
    """Holds the `current` profile of a file; `check` is to be called about once a second.

    Without `env`, changes of the `.env` in idetour's home count as well.
    Raises ProfileError when it is made, if the file is broken then.
    """

    def __init__(self, path: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.problem: str | None = None  # why the newest version of the file is not in use
        self._path, self._env = path, env
        self._stamp = self._stamps()
        self._over: Callable[[Profile], Profile] = lambda profile: profile
        self.current: Profile = read(path, env=env)
        self._read = self.current

    def check(self) -> str | None:
        """A sentence for the log if a file has changed since the last call. Costs two stats otherwise."""
        seen = self._stamps()
        if seen == self._stamp:
            return None
        self._stamp = seen
        try:
            self._read = read(self._path, env=self._env)
            self.current = self._over(self._read)
        except ProfileError as error:
            self.problem = str(error)
            return f"the profile as it was stays in use:\n{error}"
        self.problem = None
        return f"profile read again: {self._path}"

    def lay(self, over: Callable[[Profile], Profile]) -> None:
        """From now on `current` is what `over` makes of the file's profile. Call it again when `over` has changed."""
        self._over = over
        self.current = over(self._read)

    def _stamps(self) -> tuple[object, ...]:
        return stamp(self._path), None if self._env is not None else stamp(environment.file())
