"""Logins that somebody may still confirm: who waits for one holds a handle, and never the code itself."""

import asyncio
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from idetour.accounts.qwen import oauth, tokens
from idetour.accounts.qwen.oauth import Invitation, LoginError, Server
from idetour.accounts.qwen.tokens import Tokens

MOST = 8  # at a time; each asks Qwen every other second


class TooMany(Exception):
    """As many as there may be are waiting already."""


@dataclass(frozen=True, slots=True)
class Waiting:
    name: str  # of the account
    task: asyncio.Task[Tokens]


@dataclass(slots=True)
class Pending:
    """`folder` is where the files of logins lie; None: `~/.qwen`."""

    folder: Path | None = None
    _open: dict[str, Waiting] = field(default_factory=dict, repr=False)

    async def begin(self, name: str, server: Server) -> tuple[str, Invitation]:
        """A handle, and what to show. Raises NotNow, TooMany."""
        over = [handle for handle, each in self._open.items() if each.task.done()]
        if len(self._open) - len(over) >= MOST:
            raise TooMany
        for handle in over[:-MOST]:  # nobody has asked what became of them
            del self._open[handle]
        async with server.client() as client:
            invitation = await oauth.invite(client)
        task = asyncio.create_task(self._login(name, server, invitation))
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        handle = secrets.token_urlsafe(24)
        self._open[handle] = Waiting(name, task)
        return handle, invitation

    async def _login(self, name: str, server: Server, invitation: Invitation) -> Tokens:
        async with server.client() as client:
            made = await oauth.confirmed(client, invitation)
        await asyncio.to_thread(tokens.write, tokens.path(self.folder or tokens.folder(), name), made)
        return made

    async def outcome(self, handle: str, seconds: float) -> tuple[str, Tokens] | None:
        """The account and its tokens, once; None while nobody has confirmed it.

        Raises LookupError for a handle that is none, LoginError, OSError where the file cannot be written.
        """
        waiting = self._open[handle]
        await asyncio.wait({waiting.task}, timeout=seconds)
        if not waiting.task.done():
            return None
        self._open.pop(handle, None)
        if waiting.task.cancelled():
            raise LoginError("The login was broken off: idetour ends.")
        return waiting.name, waiting.task.result()

    def close(self) -> set[asyncio.Task[Tokens]]:
        """Break off all; returns what still cleans up behind itself."""
        open_ = {each.task for each in self._open.values() if not each.task.done()}
        for task in open_:
            task.cancel()
        return open_
