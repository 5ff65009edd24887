"""`POST /admin/api/record`: the requests that pass, as a stream of recordings, for as long as somebody listens.

The connection is the switch: nothing is kept unless `idetour record` holds one,
and when that command ends, however it ends, so does the recording. This side
writes no file. It takes secrets out before anything leaves, in a thread, and a
listener that is slow loses requests, and is told how many, rather than hold up an answer.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from idetour.endpoints.asgi import Exchange, Message
from idetour.endpoints.entry import Entry
from idetour.endpoints.inflate import inflated
from idetour.errors import BadRequest, RequestError
from idetour.gateway import recording
from idetour.gateway.chronicle import secrets_of
from idetour.gateway.delivery import STREAM_HEADERS
from idetour.gateway.record import Record, shown
from idetour.gateway.recording import PATHS, Passed
from idetour.gateway.said import Protocol
from idetour.gateway.scrub import Scrubber
from idetour.profile import Profile
from idetour.secret import Secret
from idetour.wire import sse

log = logging.getLogger("idetour")

RECORD = "/admin/api/record"
PROTOCOLS: dict[str, Protocol] = {**PATHS, "/": "chat"}
BEAT_SECONDS = 2.0  # between signs of life: the other side looks at its clock then
MOST_WAITING = 8  # recordings that a listener has not read yet, and requests that are being made into some
ANSWER_BYTES = 8 << 20  # of an answer; what is longer is recorded without its text

SHORTEST_KEY = (
    12  # characters; IDEs that insist on a key get `anything` or `dummy`, which are words in other places
)


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Which requests: those for a model, by the name asked for or the target; and whether with images and files."""

    model: str | None = None
    data: bool = True

    def takes(self, record: Record) -> bool:
        return self.model is None or self.model in (record.asked, str(record.target))


@dataclass(slots=True, eq=False)
class Listener:
    wanted: Wanted
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    missed: int = 0

    def tell(self, event: bytes) -> None:
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.missed += 1

    async def next(self) -> bytes:
        """What to send now."""
        if self.missed:
            missed, self.missed = self.missed, 0
            return sse.encode(b"%d" % missed, b"missed")
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                return await self.queue.get()
        except TimeoutError:
            return sse.KEEP_ALIVE


@dataclass(slots=True)
class Recorder:
    _listeners: list[Listener] = field(default_factory=list)
    _making: set[asyncio.Task[None]] = field(default_factory=set)

    async def stream(self, exchange: Exchange) -> None:
        """Tell who asks of each request that passes, until they leave. Raises BadRequest."""
        exchange.check_live()
        try:
            listener = Listener(msgspec.json.decode(await exchange.body() or b"{}", type=Wanted))
        except (ValueError, RecursionError) as error:
            raise BadRequest(f'Send {{"model": "…", "data": true}}, or less: {error}.') from None
        async with exchange.attended():
            self._listeners.append(listener)  # before the answer begins: who reads that may ask at once
            log.info("requests are being recorded, until `idetour record` ends")
            try:
                await exchange.start(200, STREAM_HEADERS)
                await exchange.write(sse.comment("recording"))
                while True:
                    await exchange.write(await listener.next())
            finally:
                self._listeners.remove(listener)
                log.info("requests are no longer recorded")

    @contextlib.contextmanager
    def watching(self, exchange: Exchange, door: Entry, *, path: str, profile: Profile) -> Iterator[None]:
        """Around the answering of a request: looks on if somebody listens, and does nothing otherwise."""
        if not self._listeners or path not in PROTOCOLS:
            yield
            return
        tap = Tap(exchange)
        try:
            yield
        finally:
            if door.record:
                self._keep(tap, path, door.record, [*secrets_of(profile), *presented(exchange)])

    def _keep(self, tap: "Tap", path: str, record: Record, known: list[Secret]) -> None:
        for listener in self._listeners:
            if not listener.wanted.takes(record):
                continue
            if len(self._making) >= MOST_WAITING:
                listener.missed += 1
                continue
            task = asyncio.create_task(
                make(tap, path, record, Scrubber(known, data=listener.wanted.data), listener)
            )
            self._making.add(task)
            task.add_done_callback(self._making.discard)


async def make(tap: "Tap", path: str, record: Record, scrubber: Scrubber, listener: Listener) -> None:
    """Make the recording and tell the listener."""
    try:
        event = await asyncio.to_thread(event_of, tap, path, record, scrubber)
    except (ValueError, RequestError, RecursionError) as error:
        log.info("%s was not recorded: %s", record.id, shown(str(error)))
        listener.missed += 1
    else:
        listener.tell(event)


def event_of(tap: "Tap", path: str, record: Record, scrubber: Scrubber) -> bytes:
    """Raises ValueError, RequestError or RecursionError for a body that was not understood anyway."""
    passed = Passed(
        protocol=PROTOCOLS[path],
        headers=tap.exchange.headers,
        body=inflated(bytes(tap.body), tap.exchange.headers.get("content-encoding", "").strip().lower()),
        answer=bytes(tap.answer),
        stream=tap.stream,
    )
    return sse.encode(msgspec.json.encode(recording.of(passed, record, scrubber)), b"request")


class Tap:
    """Keeps what an exchange hears and says, and passes it on as it is."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.body, self.answer = bytearray(), bytearray()
        self.stream = False
        self._receive, self._send = exchange.receive, exchange.send
        exchange.receive, exchange.send = self._hear, self._say

    async def _hear(self) -> Message:
        message = await self._receive()
        self.body += message.get("body", b"")
        return message

    async def _say(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.stream = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
        elif len(self.answer) < ANSWER_BYTES:
            self.answer += message.get("body", b"")
        await self._send(message)


def presented(exchange: Exchange) -> Iterable[Secret]:
    """What the client presented, in any header that may hold a secret, but for what people type in place of a key."""
    return (
        Secret(word)
        for name, value in exchange.headers.items()
        if name in ("authorization", "x-api-key", "api-key", "cookie", "proxy-authorization")
        for word in value.split()
        if len(word) >= SHORTEST_KEY
    )
