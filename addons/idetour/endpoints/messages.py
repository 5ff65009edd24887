"""`POST /v1/messages` and what belongs to it: Anthropic's protocol, in front of any upstream.

Inside everything is Chat, so fallback, limits and records are the same for all
protocols: the request is translated before the pipeline, and the client that
the pipeline talks to tells the answer in Messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from idetour.endpoints import passthrough
from idetour.endpoints.access import client_key
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.chat import question, through
from idetour.endpoints.entry import Visit
from idetour.errors import RequestError
from idetour.gateway.tries import affinity
from idetour.profile import Profile, Target
from idetour.routes.plan import Listed, offered, unknown
from idetour.secret import Secret
from idetour.upstreams import anthropic
from idetour.wire import chat, estimate, messages_errors, sse
from idetour.wire.messages import MessagesRequest, translate
from idetour.wire.messages_stream import PING, MessageStream
from idetour.wire.messages_whole import message

PATH, COUNT, MODELS = "/v1/messages", "/v1/messages/count_tokens", "/anthropic/v1/models"
CREATED = "2023-11-14T22:13:20Z"  # as in models.py: clients want a time, and none would be true


def meant(path: str, headers: Mapping[str, str]) -> bool:
    """Whether who asks speaks Anthropic's protocol: the path says so, or the header that its clients always send."""
    return path.startswith((PATH, "/anthropic/")) or "anthropic-version" in headers


async def post(visit: Visit) -> None:
    """Answer, and stop as soon as nobody listens any more."""
    if request := await read(visit):
        await through(visit, request, Asker(visit.exchange, request))


async def read(visit: Visit) -> MessagesRequest | None:
    """The request; None where the real host was asked, because nobody here answers for the model. Raises BadRequest."""
    body = await visit.exchange.body()
    asked = chat.read(body, default="default" if "default" in visit.profile.routes else None)
    if await passthrough.instead(visit, body, asked.model):
        return None
    return translate(asked, beta=visit.exchange.headers.get("anthropic-beta", ""))


async def count(visit: Visit) -> None:
    """How many tokens a request has: as the upstream counts them if it can, else an estimate."""
    request = await read(visit)
    if request is None:
        return
    exchange, profile, pipeline = visit.exchange, visit.profile, visit.pipeline
    asked = question(visit, request)
    planned = await pipeline.router.plan(profile, asked, listed=pipeline.listed, uniform=affinity(asked))
    first = planned.candidates[0]
    tokens = None
    if first.upstream.speaks == "anthropic":
        typed = first.upstream.client_key
        keys = [client_key(profile, exchange.headers)] if typed else first.upstream.secrets
        key: Secret | None = next(iter(keys), None)
        tokens = await anthropic.count(
            pipeline.transports.pool, request, target=first.target, upstream=first.upstream, key=key
        )
    elif request.refusal:
        raise request.refusal
    told = {"input_tokens": tokens or estimate.tokens(request.fields)}
    await exchange.answer(200, msgspec.json.encode(told))


@dataclass(slots=True)
class Asker:
    """Who asked, as the pipeline sees it: hears Chat, tells Messages."""

    exchange: Exchange
    request: MessagesRequest
    started: bool = False
    _stream: MessageStream | None = None
    _status: int = 0
    _headers: dict[str, str] = field(default_factory=dict)
    _body: bytearray = field(default_factory=bytearray)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        self._status = status
        id = headers.get("x-idetour-request-id", "")
        self._headers = {**headers, "request-id": id}  # where Anthropic's clients look for it
        if headers.get("content-type", "").startswith("text/event-stream"):
            self._stream = MessageStream(
                model=self.request.model,
                id=self._id,
                estimate=estimate.tokens(self.request.fields),
                names=self.request.names,
                stops=self.request.stops,
                request_id=id,
            )
            await self.exchange.start(status, self._headers)

    @property
    def _id(self) -> str:
        return f"msg_{self._headers['request-id'].removeprefix('req_')}"

    async def write(self, data: bytes) -> None:
        """Of a stream whole events at a time; before its first event a comment stands for a ping."""
        if self._stream is None:
            self._body += data
        elif data != sse.KEEP_ALIVE:
            await self.exchange.write(self._stream.feed(data))
        else:
            await self.exchange.write(PING if self._stream.started else data)

    async def end(self) -> None:
        if self._stream is not None:
            await self.exchange.write(self._stream.end())
            await self.exchange.end()
            return
        status, body = self._told()
        await self.exchange.answer(status, body, {**self._headers, "content-type": "application/json"})

    def _told(self) -> tuple[int, bytes]:
        """A whole answer, or the error that there is instead."""
        said, id = bytes(self._body), self._headers["request-id"]
        if self._status != 200:
            return messages_errors.answer(said, self._status, id)
        try:
            return 200, message(
                said,
                model=self.request.model,
                id=self._id,
                names=self.request.names,
                stops=self.request.stops,
                estimate=estimate.tokens(self.request.fields),
            )
        except RequestError as error:
            return error.status, messages_errors.body(error, id)


def listing(profile: Profile, listed: Listed) -> bytes:
    """All models, on one page, as Anthropic lists them."""
    items = [item(profile, name, target) for name, target in offered(profile, listed).items()]
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    return msgspec.json.encode({"data": items, "has_more": False, "first_id": first, "last_id": last})


def one(profile: Profile, listed: Listed, name: str) -> bytes:
    """One model of the list. Raises NotFound."""
    names = offered(profile, listed)
    if name not in names:
        raise unknown(profile, name, listed)
    return msgspec.json.encode(item(profile, name, names[name]))


def item(profile: Profile, name: str, target: Target | None) -> dict[str, object]:
    known = profile.known(target) if target else None
    return {
        "type": "model",
        "id": name,
        "display_name": known.title if known else name,
        "created_at": CREATED,
        "lifecycle": "active",
        "max_input_tokens": known.context if known else None,
        "max_tokens": known.output if known else None,
    }
