"""Requests through a pool of their own, which is closed afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from idetour.upstreams.transport import Incoming, Outgoing, Pool, TransportError

BODY = b'{"model":"m","stream":true,"messages":[]}'
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-test-000"}


def to(url: str, **more: Any) -> Outgoing:
    return Outgoing(url=f"{url}/chat/completions", headers=HEADERS, body=BODY, **more)


def using[T](work: Callable[[Pool], Awaitable[T]], pool: Pool | None = None) -> T:
    """Run `work` with a pool, which is closed afterwards."""

    async def run(pool: Pool) -> T:
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run(pool or Pool()))


async def whole(incoming: Incoming) -> bytes:
    """The body to its end."""
    body = b""
    try:
        while data := await incoming.read():
            body += data
    finally:
        incoming.close()
    return body


def ask(outgoing: Outgoing, pool: Pool | None = None) -> tuple[int, bytes]:
    async def work(pool: Pool) -> tuple[int, bytes]:
        incoming = await pool.send(outgoing)
        return incoming.status, await whole(incoming)

    return using(work, pool)


def failing(outgoing: Outgoing, pool: Pool | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught:
        ask(outgoing, pool)
    return caught.value
