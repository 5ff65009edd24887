"""The little of HTTP that every endpoint needs: reading a body with a cap, answering, noticing who left."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from idetour.endpoints.inflate import BODY_LIMIT, inflated, too_large
from idetour.errors import BadRequest, RequestError, openai_body
from idetour.gateway.record import new_id
from idetour.wire import messages_errors

SILENCE_SECONDS = 60.0  # the longest pause inside a request's body
LINGER_SECONDS = 2.0  # for a client that still sends to read why it is turned away
CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # what no header may hold (RFC 9110 §5.5)

type Message = MutableMapping[str, Any]
type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


@dataclass(slots=True)
class Exchange:
    """One HTTP request and its answer."""

    scope: Scope
    receive: Receive
    send: Send
    headers: Mapping[str, str] = field(init=False)  # names in lower case
    extra: dict[str, str] = field(default_factory=dict)  # headers that every answer gets (CORS)
    started: bool = False
    ended: bool = False
    gone: bool = False  # the client left before the end
    error_body: Callable[[RequestError, str], bytes] = openai_body  # an error with the id, for the asker
    id: str = field(default_factory=new_id)
    marks: dict[str, str] = field(init=False)  # headers that every answer gets unless it has its own: the id

    def __post_init__(self) -> None:
        self.marks = dict.fromkeys(("x-idetour-request-id", "x-request-id"), self.id)  # SDKs read the latter
        self.headers = joined(self.scope["headers"])
        if self.scope.get("http_version") == "1.0":
            self.send = in_one_piece(self.send)

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    async def body(self) -> bytes:
        """The request's body, inflated. Raises TooLarge over 10 MB, BadRequest for what cannot be read."""
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise BadRequest(f"Content-Length is {length!r}, not a number.", headers={"connection": "close"})
        if int(length) > BODY_LIMIT:
            raise too_large(f"is larger than {BODY_LIMIT >> 20} MB")
        pieces, more = bytearray(), True
        while more:
            message = await self._next()
            pieces += message.get("body", b"")
            more = message.get("more_body", False)
            if len(pieces) > BODY_LIMIT:
                raise too_large(f"is larger than {BODY_LIMIT >> 20} MB")
        return inflated(bytes(pieces), self.headers.get("content-encoding", "").strip().lower())

    async def _next(self) -> Message:
        """The next piece of the body. Raises CancelledError when the client has left."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message = await self.receive()
        except TimeoutError:
            raise BadRequest(
                f"Nothing more of the request came for {SILENCE_SECONDS:.0f} s.",
                status=408,
                code="request_timeout",
                headers={"connection": "close"},
            ) from None
        if message["type"] == "http.disconnect":
            self.gone = True
            raise asyncio.CancelledError("the client left while it was sending")
        return message

    def check_live(self) -> None:
        """Raises RequestError over HTTP/1.0, which hears of an answer at its end: this one has none, and would grow."""
        if self.scope.get("http_version") == "1.0":
            raise RequestError("Live events need HTTP/1.1.", status=505, code="http_version")

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        lines = [
            (name.encode(), CONTROLS.sub(" ", value).encode("latin-1", "replace"))
            for name, value in {**self.marks, **headers, **self.extra}.items()
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

    def speak_messages(self) -> None:
        """Say errors, and the request's id, as Anthropic's protocol has them."""
        self.error_body = messages_errors.body
        self.marks["request-id"] = self.id

    async def refuse(self, error: RequestError) -> None:
        """Answer with an error, whether or not the request's body was read.

        A client that waits for leave to send (`Expect`) may or may not send after this,
        so its connection cannot be used again. One that is to be closed while the client
        still sends is read on for a while: closed at once, the client would get a reset
        instead of the answer.
        """
        body = self.error_body(error, self.id)
        close = {"connection": "close"} if "expect" in self.headers else {}
        head = {
            "content-type": "application/json",
            **close,
            **error.headers,
            "content-length": str(len(body)),
        }
        await self.start(error.status, head)
        await self.write(body)
        if head.get("connection") == "close" and not close:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    while (await self.receive()).get("more_body"):
                        pass
        await self.end()

    @contextlib.asynccontextmanager
    async def attended(self) -> AsyncIterator[None]:
        """Cancels what runs inside as soon as the client has left. For when the body has been read."""
        task = asyncio.current_task()
        watching = asyncio.create_task(self._left())
        watching.add_done_callback(lambda _: task.cancel() if task and self.gone else None)
        try:
            yield
        finally:
            watching.cancel()

    async def _left(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone = not self.ended


def joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name. One that comes twice is joined with a comma (RFC 9110 §5.2), so two Hosts match none."""
    made: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        made[name] = f"{made[name]}, {value}" if name in made else value
    return made


def in_one_piece(send: Send) -> Send:
    """For HTTP/1.0, which has no chunks: hold an answer until it is whole and its length is known."""
    head: Message = {}
    body = bytearray()

    async def hold(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
            return
        body.extend(message["body"])
        if not message["more_body"]:
            kept = [pair for pair in head["headers"] if pair[0] != b"content-length"]
            await send({**head, "headers": [*kept, (b"content-length", b"%d" % len(body))]})
            await send({**message, "body": bytes(body)})

    return hold
