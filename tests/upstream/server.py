"""The server: raw asyncio streams in a thread of their own, so that tests may be sync or async."""

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from upstream.answer import Act, Answer, Request, Script, Step
from upstream.chat import reply, status, whole

HEAD = 1 << 20  # a client may send a large head, and a test may want to see it


class Upstream:
    """Answers `POST` with what was scripted, `GET …/models` with `models`, and records every request.

    `tls` is a file with key and certificate. `accepted` counts connections ever
    made (with TLS: those whose handshake succeeded), `open` those there are now.
    """

    def __init__(self, *, tls: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.models = ["up-model"]
        self.accepted = 0
        self._queues: defaultdict[str | None, deque[Script]] = defaultdict(deque)
        self._always: dict[str | None, Script] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._socket = bound(0)
        self._server: asyncio.Server | None = None
        self._tls = tls and context(tls)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)
        self.port: int = self._socket.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/v1"

    def then(self, *scripts: Script, asked: str | None = None) -> None:
        """Answer the next requests so, one each. `asked` is a model name, or the path of a bodiless request."""
        self._queues[asked].extend(scripts)

    def always(self, script: Script, *, asked: str | None = None) -> None:
        """Answer so when the queue is empty."""
        self._always[asked] = script

    @property
    def open(self) -> int:
        return len(self._writers)

    def accept(self) -> None:
        """Serve: how it starts, and the way back from `refuse` and `ignore`."""
        self._wait(self._listen())

    def refuse(self) -> None:
        """Connections are refused and those there are reset. The port stays ours: bound, not listening."""
        self._wait(self._unlisten())

    def ignore(self) -> None:
        """Connections are made by the kernel and never looked at: no answer, and with TLS no handshake."""
        self._wait(self._unlisten())
        self._socket.listen()

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, task: Awaitable[None]) -> None:
        async def run() -> None:
            await task

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._socket, ssl=self._tls, limit=HEAD)

    async def _unlisten(self) -> None:
        server, self._server = self._server, None
        if server:
            # What was accepted has no transport yet, and would never be closed: python/cpython#109564.
            with contextlib.suppress(NotImplementedError):  # Windows
                self._loop.remove_reader(self._socket)
            await asyncio.sleep(0)
            server.close()
        self._socket.close()
        self._socket = bound(self.port)
        for writer in [*self._writers]:
            reset(writer)

    async def _close(self) -> None:
        await self._unlisten()
        self._socket.close()
        while serving := asyncio.all_tasks() - {asyncio.current_task()}:  # one just accepted begins another
            _, going_on = await asyncio.wait(serving, timeout=2)  # reset, they end by themselves
            if going_on:
                break
        await asyncio.sleep(0)  # what was reset last is closed in the loop's next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # accepted while the port was being closed
            return reset(writer)
        self.accepted += 1
        number = self.accepted
        self._writers.add(writer)
        ahead: bytes | None = b""
        try:
            while ahead is not None:
                request = await read(reader, ahead, number)
                self.requests.append(request)
                ahead = await exchange(request, self._choose(request), reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left between requests
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._writers.discard(writer)

    def _choose(self, request: Request) -> Answer:
        script = self._script(request)
        return script if isinstance(script, Answer) else script(request)

    def _script(self, request: Request) -> Script:
        asked = request.asked
        general = [None] if request.method == "POST" else []  # a look at /models takes nobody's answer
        for key in (asked, *general):
            if queue := self._queues[key]:
                return queue.popleft()
        for key in (asked, *general):
            if key in self._always:
                return self._always[key]
        if request.method == "POST":
            return reply("Hello", ", world")
        if request.path.endswith("/models"):
            items = [{"id": id, "object": "model", "created": 0, "owned_by": "up"} for id in self.models]
            return whole({"object": "list", "data": items})
        return status(404)


async def read(reader: asyncio.StreamReader, ahead: bytes, number: int) -> Request:
    """One request, whose first byte may have been read already."""
    head = ahead + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = [line.split(":", 1) for line in lines]
    headers = [(name.lower(), value.strip()) for name, value in pairs]
    when = time.monotonic()
    if dict(headers).get("transfer-encoding") == "chunked":
        body = b"".join([part async for part in chunks(reader)])
    else:
        body = await reader.readexactly(int(dict(headers).get("content-length", 0)))
    return Request(method, path, headers, body, when, number)


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    size = -1
    while size:
        size = int(await reader.readuntil(b"\r\n"), 16)
        yield (await reader.readexactly(size + 2))[:-2]


async def exchange(
    request: Request, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bytes | None:
    """Send the answer and watch whether the client leaves meanwhile.

    What comes back begins the next request; None: the connection has ended.
    """
    sending = asyncio.create_task(send(answer.wire(request), writer))
    watching = asyncio.create_task(peek(reader))
    await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
    if not sending.done() and watching.result():  # not gone: it asks for more already
        await asyncio.wait({sending})
    if not sending.done() or isinstance(sending.exception(), OSError):
        request.aborted = time.monotonic() - request.when
        sending.cancel()
        return None
    watching.cancel()
    await asyncio.wait({watching})
    ahead = b"" if watching.cancelled() else watching.result()
    return ahead if sending.result() and request.header("connection") != "close" else None


async def peek(reader: asyncio.StreamReader) -> bytes:
    """The next byte, or nothing when the other side has left."""
    try:
        return await reader.read(1)
    except OSError:
        return b""


async def send(steps: Iterable[Step], writer: asyncio.StreamWriter) -> bool:
    """Whether the connection can carry another request afterwards."""
    for step in steps:
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case threading.Event():
                while not step.is_set():
                    await asyncio.sleep(0.005)
            case Act.STALL:
                await asyncio.Event().wait()
            case Act.FIN:
                return False
            case Act.RESET:
                await asyncio.sleep(0.02)  # what was written before should arrive before
                reset(writer)
                return False
            case seconds:
                await asyncio.sleep(seconds)
    return True


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    with contextlib.suppress(OSError, AttributeError):  # closed already; a TLS transport then has no socket
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def bound(port: int) -> socket.socket:
    """A loopback port held without listening: who connects is refused."""
    sock = socket.socket(proto=socket.IPPROTO_TCP)  # said aloud: only then does asyncio switch Nagle off
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def until(condition: Callable[[], object], within: float = 10.0) -> bool:
    """Wait for what happens in the server's thread, and say whether it did."""
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return bool(condition())
