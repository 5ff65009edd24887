"""`POST /v1/responses`, and what was answered there: `GET` and `DELETE /v1/responses/{id}`.

Inside everything is Chat Completions. So the pipeline is given a client that
hears Chat and tells Responses.
"""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from idetour.endpoints import chat, passthrough
from idetour.endpoints.entry import Visit
from idetour.errors import RequestError
from idetour.gateway.delivery import Client
from idetour.wire import raw, responses, sse
from idetour.wire.responses import ResponsesRequest
from idetour.wire.responses_object import frame
from idetour.wire.responses_store import Store
from idetour.wire.responses_stream import Teller, whole

RESPONSES = "/v1/responses"
KEPT = re.compile(rf"{RESPONSES}/resp_[^/]+")  # the path of a response that may be kept here


def no_socket(headers: Mapping[str, str]) -> None:
    """Raises 426 where a WebSocket is asked for: upon that, and no other status, Codex asks by HTTP at once."""
    if headers.get("upgrade", "").lower() == "websocket":
        raise RequestError(
            f"{RESPONSES} is served by HTTP, not by WebSocket.",
            status=426,
            type="invalid_request_error",
            code="websocket_not_served",
            headers={"upgrade": "HTTP/1.1"},
        )


@dataclass(slots=True)
class Responses:
    store: Store = field(default_factory=Store)

    async def post(self, visit: Visit) -> None:
        body = await visit.exchange.body()
        if await passthrough.instead(visit, body, responses.model(body)):
            return
        default = "default" if "default" in visit.profile.routes else None
        asked = responses.read(body, self.store, default=default)
        id = f"resp_{secrets.token_hex(16)}"
        told = frame(id, asked.fields, model=asked.chat.model, created=int(time.time()))
        teller = Teller(told, asked.tools, sealed=asked.sealed)
        client = Translated(visit.exchange, teller, asked, self.store)
        await chat.through(visit, asked.chat, client)

    async def one(self, visit: Visit) -> None:
        """A response that was kept. Raises NotFound."""
        exchange, id = visit.exchange, visit.path.rpartition("/")[2]
        if exchange.method == "DELETE":
            self.store.forget(id)
            gone = raw.encode({"id": id, "object": "response", "deleted": True})
            return await exchange.answer(200, gone)
        await exchange.answer(200, self.store.response(id))


@dataclass(slots=True)
class Translated:
    """A client of the pipeline. What is no stream is held until it is whole: its length changes."""

    client: Client
    teller: Teller
    asked: ResponsesRequest
    store: Store
    started: bool = False
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    held: bytearray = field(default_factory=bytearray)

    @property
    def streams(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started, self.status, self.headers = True, status, headers
        if self.streams:
            await self.client.start(status, headers)

    async def write(self, data: bytes) -> None:
        if not self.streams:
            self.held += data
        elif data == sse.KEEP_ALIVE:
            await self.client.write(data)
        else:
            await self._say(self.teller.feed(data))

    async def end(self) -> None:
        if self.streams:
            await self._say(self.teller.end())
        else:
            body = bytes(self.held)
            if self.status == 200:
                body = whole(body, self.teller)
            await self.client.start(self.status, {**self.headers, "content-length": str(len(body))})
            await self._say(body)
        await self.client.end()

    async def _say(self, told: bytes) -> None:
        """Keep the response before its end is told: the next request may come at once."""
        if told and self.asked.store and self.teller.status in ("completed", "incomplete"):
            self.store.keep(self.teller.id, self.teller.response, self.asked.items, self.asked.previous)
        await self.client.write(told)
