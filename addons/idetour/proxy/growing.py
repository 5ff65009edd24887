"""A flow's answer while it comes: a copy with a cap, shown to whoever looks a few times a second.

mitmproxy itself keeps nothing of a streamed body until its end, and nothing at all
when it breaks off. Each time a flow is shown, mitmweb hashes all of its body: so the
more there is, the less often it is shown.
"""

import asyncio
from collections.abc import Callable

from mitmproxy import ctx, hooks, http

SHOWN_SECONDS = 0.25
SLOWER_BYTES = 256 << 10  # each so many make the pause longer by as much again


class Growing:
    """`prepare` makes of the copy what may be seen; `limit` is in bytes; `live` whether it is shown before its end."""

    def __init__(
        self, flow: http.HTTPFlow, limit: int, *, live: bool, prepare: Callable[[http.HTTPFlow], None]
    ) -> None:
        self._flow, self._limit, self._live, self._prepare = flow, limit, live, prepare
        self._body = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, data: bytes) -> None:
        self._body += data[: self._limit - len(self._body)]
        if self._live and self._timer is None:
            seconds = SHOWN_SECONDS * (1 + len(self._body) / SLOWER_BYTES)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._show)

    def _show(self) -> None:
        self._timer = None
        self._put()
        ctx.master.addons.trigger(hooks.UpdateHook([self._flow]))

    def end(self) -> None:
        """Nothing more comes; who shows flows learns that by another way."""
        if self._timer:
            self._timer.cancel()
        self._live = False
        self._put()

    def _put(self) -> None:
        if self._flow.response is not None and self._body:
            self._flow.response.data.content = bytes(self._body)
        self._prepare(self._flow)
