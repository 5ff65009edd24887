"""A TCP relay that puts the upstream at the distance of a given round trip.

Run as `python -m tools.bench.distance PORT TO_PORT MILLISECONDS`. Bytes take
half a round trip each way. A connection on loopback is there at once, so the
round trip that connecting takes is added to the first bytes of its client.
"""

import asyncio
import sys
from collections.abc import Callable

from .script import run


class End(asyncio.Protocol):
    """One end of a relayed connection: what arrives here leaves at `other`, `delay` seconds later."""

    transport: asyncio.Transport
    other: "End"

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.loop = asyncio.get_running_loop()
        self.connected_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.later(lambda: self.other.transport.write(data))

    def connection_lost(self, error: Exception | None) -> None:
        self.later(lambda: self.other.transport.close())

    def later(self, act: Callable[[], None]) -> None:
        self.loop.call_at(max(self.loop.time(), self.connected_at) + self.delay, act)


async def serve(port: int, to_port: int, round_trip: float) -> None:
    loop = asyncio.get_running_loop()
    dialling = set()  # the loop itself holds tasks only weakly

    def accept() -> End:
        near, far = End(round_trip / 2), End(round_trip / 2)
        near.other, far.other = far, near
        near.connected_at = loop.time() + round_trip  # the far end, also on loopback, is there long before
        dialling.add(loop.create_task(loop.create_connection(lambda: far, "127.0.0.1", to_port)))
        return near

    await loop.create_server(accept, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
