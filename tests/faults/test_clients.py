"""Clients that leave, that come in crowds, and that send what is no request."""

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from faults.client import MESSAGES, Asking, Heard, took
from upstream import Upstream, stall_before_headers, stream, until

if TYPE_CHECKING:
    from conftest import Serving

LIMIT = 10 << 20
GOOD = json.dumps({"model": "m", "messages": MESSAGES, "stream": False}).encode()


@pytest.fixture
def asking(detour: Callable[..., Asking], upstream: Upstream) -> Asking:
    return detour(upstream, first_byte=10)


def leave(asking: Asking, body: bytes, *, after: bytes) -> None:
    """Ask, read until `after` has come, and hang up."""
    port = httpx2.URL(asking.url).port or 0
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(head + body)
        got = b""
        while after not in got:
            got += sock.recv(4096)


def test_a_client_that_leaves_in_mid_stream_ends_the_upstream_s_work(
    asking: Asking, upstream: Upstream
) -> None:
    upstream.always(stream("Hel", "lo").stall_after(2))
    began = time.monotonic()
    leave(asking, GOOD.replace(b"false", b"true"), after=b"Hel")
    assert until(lambda: upstream.requests[0].aborted is not None, within=1)
    assert (upstream.requests[0].aborted or 9) < took(began) < 2


@pytest.mark.parametrize("stream", [b"true", b"false"], ids=["stream", "whole"])
def test_a_client_that_leaves_before_the_answer_does_too(
    asking: Asking, upstream: Upstream, stream: bytes
) -> None:
    upstream.always(stall_before_headers())
    port = httpx2.URL(asking.url).port or 0
    body = GOOD.replace(b"false", stream)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert until(lambda: len(upstream.requests) == 1)
    assert until(lambda: upstream.requests[0].aborted is not None, within=1)


def test_after_a_client_left_the_next_is_served(asking: Asking, upstream: Upstream) -> None:
    upstream.then(stream("Hel", "lo").stall_after(2))
    leave(asking, GOOD.replace(b"false", b"true"), after=b"Hel")
    assert asking.chat().text == "Hello, world"


def test_fifty_streams_at_once_all_arrive(asking: Asking, upstream: Upstream) -> None:
    texts = [f"{number} " for number in range(40)]
    upstream.always(stream(*texts).paced(0.005))
    with ThreadPoolExecutor(50) as pool:
        heard = list(pool.map(lambda _: asking.chat(), range(50)))
    assert {each.text for each in heard} == {"".join(texts)}
    assert all(each.done for each in heard)
    assert len(upstream.requests) == 50


def test_one_after_another_share_a_connection(asking: Asking, upstream: Upstream) -> None:
    for _ in range(5):
        asking.chat()
    assert len({request.connection for request in upstream.requests}) == 1


def test_ten_megabytes_are_taken(asking: Asking, upstream: Upstream) -> None:
    body = GOOD[:-1] + b" " * (LIMIT - len(GOOD)) + b"}"
    assert (len(body), asking.send(body).status) == (LIMIT, 200)


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, size, 1 << 16):
        yield b" " * min(1 << 16, size - start)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
def test_one_byte_more_is_refused_in_json(asking: Asking, upstream: Upstream, chunked: bool) -> None:
    heard = asking.send(pieces(LIMIT + 1) if chunked else b" " * (LIMIT + 1))
    assert (heard.status, heard.error["code"], upstream.requests) == (413, "request_too_large", [])
    assert "10 MB" in heard.error["message"]


def test_a_length_that_is_too_large_is_refused_before_the_body_comes(asking: Asking) -> None:
    port = httpx2.URL(asking.url).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99999999\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_gzip_request_is_read(asking: Asking, upstream: Upstream) -> None:
    assert asking.send(gzip.compress(GOOD), {"content-encoding": "gzip"}).status == 200
    assert upstream.requests[0].header("content-encoding") is None
    assert upstream.requests[0].json()["messages"] == MESSAGES


def test_a_gzip_bomb_is_refused(asking: Asking, upstream: Upstream) -> None:
    bomb = gzip.compress(b" " * (200 << 20))
    heard = asking.send(bomb, {"content-encoding": "gzip"})
    assert (len(bomb) < LIMIT, heard.status, heard.error["code"]) == (True, 413, "request_too_large")
    assert upstream.requests == []


WRONG: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "half of it": (GOOD[:-5], None),
    "no JSON": (b"model=m", None),
    "a list": (b"[]", None),
    "null": (b"null", None),
    "not UTF-8": (GOOD.replace(b"hi", b"\xff"), None),
    "deep": (b'{"model":"m","messages":' + b"[" * 100_000, None),
    "no model": (b'{"messages": [{}]}', "model"),
    "a model that is a number": (b'{"model": 1, "messages": [{}]}', "model"),
    "no messages": (b'{"model": "m"}', "messages"),
    "messages that are text": (b'{"model": "m", "messages": "hi"}', "messages"),
    "no message in them": (b'{"model": "m", "messages": []}', "messages"),
    "a stream that is text": (b'{"model": "m", "messages": [{}], "stream": "yes"}', "stream"),
}


@pytest.mark.parametrize(("body", "param"), WRONG.values(), ids=WRONG)
def test_what_is_no_request_is_refused_with_the_place(
    asking: Asking, upstream: Upstream, body: bytes, param: str | None
) -> None:
    heard = asking.send(body)
    assert (heard.status, heard.error["type"], heard.error["param"]) == (400, "invalid_request_error", param)
    assert upstream.requests == []


def test_an_unknown_model_is_refused_with_the_nearest_names(asking: Asking, upstream: Upstream) -> None:
    heard: Heard = asking.chat("mm")
    assert (heard.status, heard.error["code"], heard.error["param"]) == (404, "model_not_found", "model")
    assert "Nearest: m" in heard.error["message"]
    assert upstream.requests == []


def test_an_unknown_path_and_method_are_refused_in_json(asking: Asking) -> None:
    with httpx2.Client(base_url=asking.url, trust_env=False) as client:
        answers = [client.get("/v1/nothing"), client.get("/v1/chat/completions"), client.post("/v1/models")]
    assert [answer.status_code for answer in answers] == [404, 405, 405]
    assert all(answer.json()["error"]["message"] for answer in answers)


def test_a_connection_that_says_nothing_blocks_nobody(asking: Asking) -> None:
    port = httpx2.URL(asking.url).port or 0
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    assert asking.chat().text == "Hello, world"
    for sock in silent:
        sock.close()


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
def test_web_pages_of_others_may_not_ask(asking: Asking, upstream: Upstream, headers: dict[str, str]) -> None:
    heard = asking.send(GOOD, headers)
    assert (heard.status, upstream.requests) == (403, [])


def test_an_upstream_that_is_ourselves_is_a_loop_and_is_entered_once(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], free_port: int
) -> None:
    profile = f"upstreams: {{me: {{url: 'http://127.0.0.1:{free_port}/v1'}}}}\nmodels: {{m: me/m}}"
    heard = Asking(serving(profile_file(profile), port=free_port).url).chat()
    assert (heard.status, heard.error["code"]) == (508, "loop_detected")
    assert heard.headers["x-idetour-attempts"] == "1"
