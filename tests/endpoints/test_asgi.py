"""Bodies, framing and connections, byte by byte."""

import asyncio
import gzip
import json
import time
from typing import Any

import pytest

from endpoints.talk import HELLO, Line, request
from idetour.endpoints import asgi
from idetour.endpoints.asgi import Exchange, joined
from idetour.endpoints.inflate import BODY_LIMIT
from idetour.errors import BadRequest, NotFound
from upstream import Upstream, stream, until

PATH = "/v1/chat/completions"
BODY = json.dumps(HELLO).encode()
STREAM = json.dumps({**HELLO, "stream": True}).encode()
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"


def exchange(*messages: dict[str, Any], version: str = "1.1", **headers: str) -> tuple[Exchange, list[Any]]:
    """An exchange with a client that sends these messages and then nothing, and what it is sent."""
    left, sent = list(messages), []

    async def receive() -> Any:
        return left.pop(0) if left else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "http_version": version, "headers": pairs}
    return Exchange(scope, receive, send), sent


def test_a_header_that_comes_twice_is_joined() -> None:
    pairs = [(b"host", b"localhost"), (b"host", b"evil.example"), (b"via", b"1.1 a")]
    assert joined(pairs) == {"host": "localhost, evil.example", "via": "1.1 a"}


@pytest.mark.parametrize("length", ["", "-1", "1e3", "+5", "five", "1, 1", "٣", "0x10"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(BadRequest, match="not a number"):
        asyncio.run(exchange(content_length=length)[0].body())


def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "SILENCE_SECONDS", 0.05)
    begun = {"type": "http.request", "body": b"{", "more_body": True}
    with pytest.raises(BadRequest) as caught:
        asyncio.run(exchange(begun)[0].body())
    assert (caught.value.status, caught.value.headers) == (408, {"connection": "close"})


def test_who_leaves_while_sending_ends_the_request() -> None:
    asked, _ = exchange(
        {"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asked.body())
    assert asked.gone


def test_no_header_value_can_begin_a_new_line() -> None:
    asked, sent = exchange()
    asyncio.run(asked.start(200, {"x-idetour-target": "up/a\r\nset-cookie: b=c\x00\x1b[31m模"}))
    assert sent[0]["headers"][-1] == (b"x-idetour-target", b"up/a  set-cookie: b=c  [31m?")


def test_every_answer_has_the_requests_id_and_an_upstreams_own_stays() -> None:
    asked, sent = exchange()
    asyncio.run(asked.answer(200, b"{}", {"x-request-id": "theirs"}))
    headers = dict(sent[0]["headers"])
    assert (headers[b"x-idetour-request-id"], headers[b"x-request-id"]) == (asked.id.encode(), b"theirs")
    assert exchange()[0].id != asked.id


@pytest.mark.parametrize(("messages", "header"), [(False, b"x-request-id"), (True, b"request-id")])
def test_an_error_holds_the_id_where_its_protocol_has_it(messages: bool, header: bytes) -> None:
    asked, sent = exchange()
    if messages:
        asked.speak_messages()
    asyncio.run(asked.refuse(BadRequest("no")))
    assert dict(sent[0]["headers"])[header] == asked.id.encode()
    assert json.loads(sent[1]["body"])["request_id"] == asked.id


def test_who_leaves_ends_what_runs_for_them_and_nothing_after() -> None:
    asked, _ = exchange({"type": "http.disconnect"})

    async def run() -> str:
        try:
            async with asked.attended():
                await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # what cleans up is not disturbed
        return "cleaned up"

    assert asyncio.run(run()) == "cleaned up"


def test_the_end_of_an_answer_is_not_a_client_that_left() -> None:
    asked, _ = exchange({"type": "http.disconnect"})

    async def run() -> bool:
        async with asked.attended():
            await asked.start(200, {})
            await asked.end()
            await asyncio.sleep(0.01)
        return asked.gone

    assert asyncio.run(run()) is False


def test_an_answer_in_http_1_0_comes_whole_and_with_its_length() -> None:
    asked, sent = exchange(version="1.0")

    async def run() -> None:
        await asked.start(200, {"content-type": "text/event-stream"})
        await asked.write(b"one ")
        await asked.write(b"two")
        assert sent == []
        await asked.end()

    asyncio.run(run())
    assert (b"content-length", b"7") in sent[0]["headers"]
    assert (sent[1]["body"], sent[1]["more_body"]) == (b"one two", False)


def test_a_refusal_is_the_whole_answer() -> None:
    asked, sent = exchange()
    asyncio.run(asked.refuse(NotFound("nothing here")))
    assert json.loads(sent[1]["body"])["error"]["code"] == "not_found"
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(sent[1]["body"])).encode()


# --- through a real server ---


@pytest.mark.parametrize(
    "first",
    [
        request("GET", "/v1/models"),
        request("GET", "/nope"),
        request("POST", PATH, BODY),
        request("POST", PATH, STREAM),
        request("POST", PATH, b"{"),
        request("POST", PATH, gzip.compress(BODY), content_encoding="gzip"),
        request("DELETE", PATH, b"x" * 100_000),
        request("POST", PATH, BODY, origin="https://evil.example"),
    ],
    ids=["list", "404", "whole", "stream", "400", "gzip", "405 unread", "403 unread"],
)
def test_a_connection_is_good_for_another_request_after(port: int, first: bytes) -> None:
    with Line(port) as line:
        line.send(first).answer()
        assert line.send(request("GET", "/health")).answer().json()["status"] == "ok"


def test_requests_sent_together_are_answered_in_their_order(port: int) -> None:
    with Line(port) as line:
        line.send(request("POST", PATH, STREAM) + request("GET", "/health") + request("GET", "/nope"))
        first, second, third = line.answer(), line.answer(), line.answer()
    assert first.body.endswith(b"data: [DONE]\n\n")
    assert (second.json()["status"], third.status) == ("ok", 404)


def test_a_body_that_is_announced_as_too_large_is_refused_before_it_is_sent(port: int) -> None:
    with Line(port) as line:
        line.send(HEAD + b"content-length: %d\r\n\r\n" % (BODY_LIMIT + 1))
        answer = line.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (
            413,
            "request_too_large",
            "close",
        )


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_the_client_hears_why(port: int, chunked: bool) -> None:
    size = BODY_LIMIT + (1 << 20)
    with Line(port) as line:
        if chunked:
            line.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
            line.send(b"%x\r\n" % size + bytes(size) + b"\r\n0\r\n\r\n")
        else:
            line.send(HEAD + b"content-length: %d\r\n\r\n" % size + bytes(size))
        answer = line.answer()
        assert (answer.status, answer.code, line.ended()) == (413, "request_too_large", True)


def test_who_asks_for_leave_to_send_gets_it(port: int) -> None:
    with Line(port) as line:
        line.send(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(BODY))
        assert line.answer(body=False).status == 100
        assert line.send(BODY).answer().status == 200


def test_who_asks_for_leave_to_send_too_much_does_not(port: int) -> None:
    with Line(port) as line:
        line.send(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % (BODY_LIMIT + 1))
        assert (line.answer().status, line.ended()) == (413, True)


def test_who_asks_for_leave_to_send_what_is_refused_cannot_go_on(port: int) -> None:
    """They may send the body or leave it out: the next request could not be told from it."""
    with Line(port) as line:
        line.send(request("PUT", "/nope", expect="100-continue", content_length="5"))
        assert (line.answer().status, line.ended()) == (404, True)


@pytest.mark.parametrize(
    "lengths",
    [
        b"content-length: five\r\n",
        b"content-length: -5\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"content-length: 99999999999999999999999\r\n",
    ],
)
def test_an_unclear_length_is_refused_and_the_connection_closed(port: int, lengths: bytes) -> None:
    with Line(port) as line:
        line.send(HEAD + lengths + b"\r\n0\r\n\r\n")
        assert (line.answer().status, line.ended()) == (400, True)


def test_a_stream_in_http_1_0_comes_whole(port: int) -> None:
    old = request("POST", PATH, STREAM).replace(b"HTTP/1.1", b"HTTP/1.0")
    with Line(port) as line:
        answer = line.send(old).answer()
        assert ("transfer-encoding" in answer.headers, line.ended()) == (False, True)
    assert answer.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("body", [BODY, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize("events", [0, 1, 2])
def test_who_leaves_ends_the_upstreams_request_within_half_a_second(
    port: int, upstream: Upstream, body: bytes, events: int
) -> None:
    upstream.always(stream("Hel", "lo").stall_after(events))
    with Line(port) as line:
        line.send(request("POST", PATH, body))
        assert until(lambda: upstream.requests)
        left = time.monotonic()
    assert until(lambda: upstream.requests[0].aborted is not None, within=2)
    asked = upstream.requests[0]
    assert asked.when + (asked.aborted or 0) - left < 0.5


def test_who_leaves_while_sending_reaches_nobody(port: int, upstream: Upstream) -> None:
    with Line(port) as line:
        line.send(HEAD + b"content-length: 1000\r\n\r\n{")
    with Line(port) as line:
        assert line.send(request("GET", "/health")).answer().status == 200
    assert [each for each in upstream.requests if each.method == "POST"] == []
