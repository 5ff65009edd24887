"""The little of HTTP that every endpoint needs: reading a body with a cap, answering, CORS."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from idetour.errors import BadRequest, RequestError, TooLarge, openai_body

BODY_LIMIT = 10 << 20  # bytes, inflated; what the request may hold
RATIO_LIMIT = 100  # how much larger than its compressed form a body may be
RATIO_FREE = 1 << 20  # bytes below which the ratio does not matter

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class Exchange:
    """One HTTP request and its answer."""

    scope: Scope
    receive: Receive
    send: Send
    headers: Mapping[str, str] = field(init=False)  # names in lower case; the last of a name wins
    extra: dict[str, str] = field(default_factory=dict)  # headers that every answer gets (CORS)
    started: bool = False
    ended: bool = False
    gone: bool = False  # the client left before the end

    def __post_init__(self) -> None:
        self.headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]
        }

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    async def body(self) -> bytes:
        """The request's body, inflated. Raises TooLarge over 10 MB, BadRequest for an encoding we cannot read."""
        if int(self.headers.get("content-length") or 0) > BODY_LIMIT:
            raise too_large()
        pieces = bytearray()
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                self.gone = True
                raise asyncio.CancelledError("the client left while it was sending")
            pieces += message.get("body", b"")
            if len(pieces) > BODY_LIMIT:
                raise too_large()
            if not message.get("more_body"):
                return inflated(
                    bytes(pieces), self.headers.get("content-encoding", "identity").strip().lower()
                )

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        lines = [
            (name.encode(), value.encode("latin-1", "replace"))
            for name, value in {**headers, **self.extra}.items()
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": lines})

    async def write(self, data: bytes) -> None:
        if data:
            await self.send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        self.ended = True  # before sending: the server reports every end as a disconnect
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def answer(self, status: int, body: bytes, headers: Mapping[str, str] = {}) -> None:
        """A whole answer at once; JSON unless `headers` say otherwise."""
        await self.start(
            status, {"content-type": "application/json", **headers, "content-length": str(len(body))}
        )
        await self.write(body)
        await self.end()

    async def refuse(self, error: RequestError) -> None:
        """Answer with an error; what was still being sent is not waited for."""
        await self.answer(error.status, openai_body(error), error.headers)

    async def left(self) -> None:
        """Returns when the client has gone."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone = not self.ended


def too_large() -> TooLarge:
    return TooLarge(f"The request is larger than {BODY_LIMIT >> 20} MB.", headers={"connection": "close"})


def inflated(body: bytes, encoding: str) -> bytes:
    """Undo the content encoding with a cap on size and ratio: a small bomb must not cost much memory."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BadRequest(
            f"The request is encoded as {encoding!r}. Send gzip, deflate or nothing.",
            status=415,
            code="unsupported_encoding",
        )
    cap = min(BODY_LIMIT, max(RATIO_FREE, RATIO_LIMIT * len(body)))
    try:
        stream = zlib.decompressobj(wbits=47 if "gzip" in encoding else zlib.MAX_WBITS)
        made = stream.decompress(body, cap + 1)
    except zlib.error as error:
        raise BadRequest(
            f"The request says it is {encoding} and is not: {error}.", code="bad_encoding"
        ) from error
    if len(made) > cap:
        raise too_large()
    if not stream.eof:
        raise BadRequest(f"The request's {encoding} data ends too early.", code="bad_encoding")
    return made
