"""The load generator: many clients in one process, told what to do line by line.

Run as `python -m tools.bench.load`. A line on stdin is `[name, doors, arguments]`,
its result comes back as a line on stdout, both JSON. Connections stay open between
`connect` and `leave`, so that what is measured in between is requests alone.
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import httptools

from .client import Answer, Client, Door, enter
from .script import Script, run

PATIENCE = 300.0  # seconds for one line
AT_ONCE = 20  # connections being opened


class Crowd:
    """What can be asked for, as one method each."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.id = 0

    def script(self, chunks: int, delay: int) -> Script:
        self.id += 1
        return Script(self.id, chunks, delay)

    async def connect(self, door: Door, count: int) -> None:
        """Open connections and use each once, so that what lies behind is warm."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                client = await enter(door)
                self.clients.append(client)
                await client.ask(door.request(self.script(1, 0), 1000))

        await asyncio.gather(*(one() for _ in range(count)))

    async def leave(self) -> None:
        for client in self.clients:
            client.transport.close()
        self.clients.clear()

    async def repeat(
        self, door: Door, *, times: int, size: int = 1000, chunks: int = 0, delay: int = 0
    ) -> dict[str, Any]:
        """On each connection `times` requests, one after the other."""
        answers: list[Answer] = []
        request = door.request(self.script(chunks, delay), size)

        async def one(client: Client) -> None:
            for _ in range(times):
                answers.append(await client.ask(request))

        began = time.monotonic()
        await asyncio.gather(*(one(client) for client in self.clients))
        seconds = time.monotonic() - began
        good = [answer for answer in answers if answer.whole(chunks)]
        ways = [arrived - sent for answer in good for arrived, _, sent in answer.events]
        return {
            "requests": len(good),
            "faults": len(answers) - len(good),
            "seconds": seconds,
            "first": median(answer.first for answer in good) if chunks and good else None,
            "chunk": median(ways) / 1000 if ways else None,
        }

    async def fresh(self, door: Door, *, times: int) -> float:
        """ms from nothing to the first event, each time on a new connection. Median."""
        request = door.request(self.script(1, 0), 1000)
        took = []
        for _ in range(times):
            began = time.monotonic_ns()
            client = await enter(door)
            answer = await client.ask(request)
            arrived, got, sent = answer.events[0]
            took.append((arrived - began - (sent - got)) / 1e6)
            client.transport.close()
            await asyncio.sleep(0.02)
        return median(took)

    async def hold(self, door: Door, count: int) -> None:
        """Open streams of one event a second and keep them, all past their first event."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                client = await enter(door)
                self.clients.append(client)
            await client.ask_for(door.request(self.script(100_000, 1_000_000), 1000), events=1)

        await asyncio.gather(*(one() for _ in range(count)))

    async def abandon(self, door: Door, mock: Door, *, count: int) -> float:
        """Leave streams in their middle. The longest, in s, until the mock saw it; infinite if it never did."""
        clients = [await enter(door) for _ in range(count)]
        scripts = [self.script(1000, 20_000) for _ in clients]
        pairs = list(zip(clients, scripts, strict=True))
        await asyncio.gather(
            *(client.ask_for(door.request(script, 1000), events=3) for client, script in pairs)
        )
        left = {}
        for client, script in pairs:
            left[str(script.id)] = time.monotonic_ns()
            client.transport.close()
        seen: dict[str, int] = {}
        control = await enter(mock)
        for _ in range(20):
            await asyncio.sleep(0.05)
            await control.ask(b"GET /left HTTP/1.1\r\nHost: localhost\r\n\r\n")
            seen |= json.loads(control.body)
            if left.keys() <= seen.keys():
                return max(seen[id] - left[id] for id in left) / 1e9
        return float("inf")


async def serve() -> None:
    crowd = Crowd()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, doors, arguments = json.loads(line)
        act: Callable[..., Awaitable[Any]] = getattr(crowd, name)
        try:
            async with asyncio.timeout(PATIENCE):
                result = {"result": await act(*(Door(**door) for door in doors), **arguments)}
        except (OSError, TimeoutError, ssl.SSLError, httptools.HttpParserError) as error:
            result = {"error": f"{name}: {error!r}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    run(serve())
