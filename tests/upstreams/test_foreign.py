"""Answers that are not Chat, and how they arrive."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import pytest

from idetour.upstreams.foreign import Foreign, Streamed, Translating, Whole
from idetour.upstreams.transport import Incoming, Outgoing, TransportError
from idetour.wire import sse
from idetour.wire.anthropic_stream import ChatStream
from idetour.wire.anthropic_whole import completion


@dataclass
class Scripted:
    """An answer in pieces."""

    pieces: list[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    closed: bool = False

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None:
        self.closed = True


@dataclass
class Wire:
    """A transport that has its answer ready."""

    answer: Incoming

    async def send(self, outgoing: Outgoing) -> Incoming:
        return self.answer


def asked(*, carry: bool = False) -> Outgoing:
    return Foreign(
        url="https://up.test/v1/messages",
        headers={},
        body=b"{}",
        machine=partial(ChatStream, carry=carry),
        whole=partial(completion, created=1),
    )


START = b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"c"}}\n\n'
PING = b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_sign_of_life_is_passed_on_as_one() -> None:
    """The gateway gives up on an upstream that is silent; one that thinks and pings is not."""

    async def reads() -> list[bytes]:
        incoming = await Translating(Wire(Scripted([START, PING, START[:9]]))).send(asked())
        return [await incoming.read() for _ in range(4)]

    start, *rest = asyncio.run(reads())
    assert start.startswith(b'data: {"id":"msg_1"')
    assert rest == [sse.KEEP_ALIVE, sse.KEEP_ALIVE, b""]


def test_a_client_that_speaks_messages_gets_the_ping_itself() -> None:
    async def ping() -> bytes:
        incoming = await Translating(Wire(Scripted([START, PING]))).send(asked(carry=True))
        await incoming.read()
        return await incoming.read()

    assert b'"x_anthropic":{"type":"ping"}' in asyncio.run(ping())


def test_an_error_page_is_left_to_whoever_reads_all_of_them() -> None:
    answer = Scripted([b"{}"], status=529)
    assert asyncio.run(Translating(Wire(answer)).send(asked())) is answer


def test_closing_the_translation_closes_the_answer() -> None:
    for kind in ({"content-type": "text/event-stream"}, {"content-type": "application/json"}):
        answer = Scripted([], headers=kind)
        incoming = asyncio.run(Translating(Wire(answer)).send(asked()))
        incoming.close()
        assert isinstance(incoming, Streamed | Whole)
        assert answer.closed


def test_a_whole_message_is_read_to_its_end_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"type":"message","content":[{"type":"text","text":"hi"}]}'

    async def reads(*pieces: bytes) -> list[bytes]:
        answer = Scripted([*pieces], headers={"content-type": "application/json"})
        incoming = await Translating(Wire(answer)).send(asked())
        return [await incoming.read(), await incoming.read()]

    made, end = asyncio.run(reads(body[:9], body[9:]))
    assert (json.loads(made)["choices"][0]["message"]["content"], end) == ("hi", b"")
    monkeypatch.setattr("idetour.upstreams.foreign.WHOLE_BYTES", 10)
    with pytest.raises(TransportError, match="larger than"):
        asyncio.run(reads(body[:9], body[9:]))


def test_what_comes_is_told_to_be_what_it_has_become() -> None:
    """Ollama streams lines of JSON; the gateway looks for events by their type."""
    for sent, told in (("application/x-ndjson", "text/event-stream"), ("text/json", "application/json")):
        answer = Scripted([], headers={"content-type": sent, "x-kept": "1"})
        incoming = asyncio.run(Translating(Wire(answer)).send(asked()))
        assert dict(incoming.headers) == {"content-type": told, "x-kept": "1"}


def test_an_answer_in_chat_is_not_touched() -> None:
    answer = Scripted([b"{}"])
    plain = Outgoing(url="https://up.test/v1/chat/completions", headers={}, body=b"{}")
    assert asyncio.run(Translating(Wire(answer)).send(plain)) is answer
