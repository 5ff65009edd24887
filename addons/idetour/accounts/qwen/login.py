"""A login in use: its token is renewed half a minute before it ends, once for all who wait.

    request ──▶ fresh? ──▶ token
                  │ no
                  ▼
        one renewal for all of them: lock, read the file again (another process
        may have been quicker), ask, write, unlock

A login that the server does not know any more is in trouble until its file
changes; the file is never removed. A server that is away costs the requests of
the moment, and no login.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from idetour.accounts.qwen import lock, oauth, tokens
from idetour.accounts.qwen.address import address
from idetour.accounts.qwen.oauth import LoginError, NotNow, Server
from idetour.accounts.qwen.tokens import Tokens
from idetour.disk import stamp
from idetour.errors import UpstreamError
from idetour.profile.credential import Kind
from idetour.secret import Secret

log = logging.getLogger("idetour")

EARLY_SECONDS = 30.0
LOST, AWAY = "login_required", "login_unavailable"


@dataclass(slots=True, eq=False)
class Session:
    """One file, and what it says. `read` blocks for as long as a disk does; the rest is for one event loop."""

    name: str
    file: Path
    tokens: Tokens | None = None
    trouble: str = ""
    _stamp: object = None
    _renewing: asyncio.Task[Tokens] | None = field(default=None, repr=False)

    @property
    def fresh(self) -> bool:
        return self.tokens is not None and time.time() < self.tokens.expires - EARLY_SECONDS

    def changed(self) -> bool:
        return stamp(self.file) != self._stamp

    def read(self) -> None:
        """What the file says now, if it has changed. One that is gone leaves to those under way what they have."""
        seen = stamp(self.file)
        if seen == self._stamp:
            return
        if seen is not None or self.tokens is None:
            try:
                self.tokens, self.trouble = tokens.read(self.file), ""
            except (OSError, ValueError) as error:
                said = (error.strerror if isinstance(error, OSError) else None) or error
                self.trouble = f"{self.file} cannot be used: {said}. {self._again}"
        self._stamp = seen  # last: another thread that looks meanwhile has to read it too

    async def current(self, server: Server) -> Secret:
        """Raises UpstreamError."""
        if self.tokens is None or self.trouble:
            raise self._lost()
        return (self.tokens if self.fresh else await self._renewed(server, self.tokens.access)).access

    async def renew(self, server: Server, refused: Secret) -> bool:
        """Whether there is another token than the one that was refused. Raises UpstreamError."""
        if self.tokens is None or self.trouble:
            raise self._lost()
        if self.tokens.access != refused:
            return True
        return (await self._renewed(server, refused)).access != refused

    async def _renewed(self, server: Server, old: Secret) -> Tokens:
        """The renewal that is under way, or one that begins now. Who waits may leave: it goes on for the others."""
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew(server, old))
            self._renewing.add_done_callback(self._over)
        return await asyncio.shield(self._renewing)

    def _over(self, task: asyncio.Task[Tokens]) -> None:
        self._renewing = None
        if not task.cancelled():
            task.exception()  # looked at, also where everybody has left

    async def _renew(self, server: Server, old: Secret) -> Tokens:
        try:
            async with lock.held(self.file.with_suffix(".lock")):
                await asyncio.to_thread(self.read)
                if self._stamp is None:
                    self.trouble = f"its file was removed. {self._again}"
                if self.tokens is None or self.trouble:
                    raise self._lost()
                if self.tokens.access != old and self.fresh:
                    return self.tokens
                async with server.client() as client:
                    self.tokens = await oauth.refreshed(client, self.tokens)
                    await self._keep(self.tokens)
                log.info("The token of Qwen account %s was renewed.", self.name)
                return self.tokens
        except LoginError as error:
            self.trouble = f"Qwen does not know the login any more ({error}). {self._again}"
            log.warning("Qwen account %s: %s", self.name, self.trouble)
            raise self._lost() from error
        except (NotNow, TimeoutError) as error:
            return self._still(old, str(error))

    async def _keep(self, made: Tokens) -> None:
        """In the thread it is written to the end, also where idetour stops meanwhile: the old token is void."""
        try:
            await asyncio.to_thread(tokens.write, self.file, made)
            self._stamp = stamp(self.file)
        except OSError as error:
            log.warning(
                "%s cannot be written (%s): the new token is kept in memory, and lost when idetour ends.",
                self.file,
                error.strerror or error,
            )

    def _still(self, old: Secret, why: str) -> Tokens:
        """The old token for the seconds that it has left. Raises UpstreamError after them."""
        mine = self.tokens
        if mine and mine.access == old and time.time() < mine.expires:
            return mine
        raise UpstreamError(f"Qwen account {self.name}: {why}", status=503, code=AWAY)

    def _lost(self) -> UpstreamError:
        trouble = self.trouble or f"nobody is logged in. {self._again}"
        return UpstreamError(
            f"Qwen account {self.name}: {trouble}", status=401, type="authentication_error", code=LOST
        )

    @property
    def _again(self) -> str:
        return f"Run `idetour login qwen{'' if self.name == tokens.FIRST else f' {self.name}'}`."

    def close(self) -> asyncio.Task[Tokens] | None:
        """Stop at once; returns what still cleans up behind itself."""
        if task := self._renewing:
            task.cancel()
        return task


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session as a credential of one upstream, whose `base` is where it goes if it says nothing else."""

    session: Session
    upstream: str
    base: str
    server: Server
    weight: float = 1.0
    kind: Kind = "login"

    @property
    def id(self) -> str:
        return f"{self.upstream}/{self.session.name}"

    @property
    def name(self) -> str:
        return self.session.name

    @property
    def mark(self) -> str:
        return self.session.name

    @property
    def url(self) -> str | None:
        try:
            return address(self.session.tokens.resource_url if self.session.tokens else "", self.base)
        except ValueError:
            return None

    @property
    def expires(self) -> float | None:
        return self.session.tokens.expires if self.session.tokens else None

    @property
    def trouble(self) -> str:
        if self.session.trouble or self.url:
            return self.session.trouble
        return (
            f"{self.session.file} sends its requests to another place than Qwen's, so nothing is sent. "
            "Correct its `resource_url`, or name the place as `url:` of the upstream."
        )

    @property
    def secrets(self) -> tuple[Secret, ...]:
        held = self.session.tokens
        return (held.access, held.refresh) if held else ()

    async def secret(self) -> Secret:
        return await self.session.current(self.server)

    async def renew(self, refused: Secret) -> bool:
        return await self.session.renew(self.server, refused)
