"""What goes over the wire, what comes back, and what each way to fail is called. All sockets are real."""

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest

from idetour.upstreams import transport
from idetour.upstreams.transport import Pool, TransportError
from upstream import (
    Act,
    Answer,
    Authority,
    Upstream,
    raw,
    raw_stream,
    redirect,
    reset_before_headers,
    stall_before_headers,
    stream,
    until,
)
from upstreams.pooling import BODY, HEADERS, ask, failing, to, using, whole

type Upstreams = Callable[..., Upstream]


# What is sent.


def test_a_request_goes_as_it_is_with_nothing_of_the_librarys(upstream: Upstream) -> None:
    ask(to(upstream.url), Pool(via="1.1 idetour-0000"))
    (request,) = upstream.requests

    assert request.body == BODY
    assert dict(request.headers) == {
        **HEADERS,
        "host": f"127.0.0.1:{upstream.port}",
        "via": "1.1 idetour-0000",
        "content-length": str(len(BODY)),
    }


def test_ten_requests_take_one_connection(upstream: Upstream) -> None:
    async def work(pool: Pool) -> None:
        for _ in range(10):
            await whole(await pool.send(to(upstream.url)))

    using(work)

    assert (len(upstream.requests), upstream.accepted) == (10, 1)


def test_a_connection_made_in_advance_is_used(tls_upstream: Upstream, authority: Authority) -> None:
    async def work(pool: Pool) -> None:
        await pool.warm(tls_upstream.origin, ca=authority.ca)
        await whole(await pool.send(to(tls_upstream.url, ca=authority.ca)))

    using(work)

    assert tls_upstream.accepted == 1


def test_more_than_a_hundred_streams_run_at_once(upstream: Upstream) -> None:
    upstream.always(stream("a").stall_after(1))

    async def work(pool: Pool) -> int:
        answers = await asyncio.gather(*(pool.send(to(upstream.url)) for _ in range(120)))
        count = upstream.open
        for answer in answers:
            answer.close()
        return count

    assert using(work) == 120


def test_an_answer_that_is_left_is_cut_at_once(upstream: Upstream) -> None:
    upstream.then(stream("a", "b").stall_after(2))

    async def work(pool: Pool) -> bool:
        incoming = await pool.send(to(upstream.url))
        await incoming.read()
        incoming.close()
        return await asyncio.to_thread(until, lambda: upstream.requests[0].aborted is not None)

    assert using(work)


def test_cookies_are_not_kept(upstream: Upstream) -> None:
    upstream.then(stream("a").saying(set_cookie="who=me"))

    async def work(pool: Pool) -> None:
        for _ in range(2):
            await whole(await pool.send(to(f"http://localhost:{upstream.port}")))

    using(work)

    assert [request.header("cookie") for request in upstream.requests] == [None, None]


def test_a_redirect_is_not_followed(upstreams: Upstreams) -> None:
    first, other = upstreams(), upstreams()
    first.then(redirect(other.url))

    assert ask(to(first.url))[0] == 307
    assert other.requests == []


def test_a_proxy_in_the_environment_is_ignored(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert ask(to(upstream.url))[0] == 200


# What comes back.


def test_what_arrives_is_given_on_as_it_comes(upstream: Upstream) -> None:
    upstream.then(raw_stream(b"data: a\n\n", b"\xff\x00").paced(0.03))

    async def work(pool: Pool) -> list[bytes]:
        incoming = await pool.send(to(upstream.url))
        return [await incoming.read() for _ in range(3)]

    assert using(work) == [b"data: a\n\n", b"\xff\x00", b""]


def test_names_of_headers_come_in_lower_case(upstream: Upstream) -> None:
    upstream.then(raw(b"HTTP/1.1 429 Slow\r\nRETRY-After: 7\r\nContent-Length: 0\r\n\r\n"))

    async def work(pool: Pool) -> tuple[int, str, bytes]:
        incoming = await pool.send(to(upstream.url))
        return incoming.status, incoming.headers["retry-after"], await incoming.read()

    assert using(work) == (429, "7", b"")


TEXT = b"data: " + b"hello " * 1000


def packed(*pieces: bytes, **headers: str) -> Answer:
    return raw_stream(*pieces).saying(**headers)


@pytest.mark.parametrize(
    "answer",
    [
        packed(gzip.compress(TEXT), content_encoding="gzip"),
        packed(gzip.compress(TEXT), content_encoding=" GZIP "),
        packed(gzip.compress(TEXT), content_encoding="x-gzip").split(1),
        packed(gzip.compress(TEXT)),
        packed(gzip.compress(TEXT)[:1], gzip.compress(TEXT)[1:]).paced(0.05),
        packed(gzip.compress(TEXT[:99]), gzip.compress(TEXT[99:])),
        packed(gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])),
        packed(zlib.compress(TEXT), content_encoding="deflate"),
        packed(TEXT, content_encoding="identity"),
        packed(TEXT, content_encoding=""),
    ],
    ids=["gzip", "spelling", "byte by byte", "unsaid", "unsaid byte by byte", "two files", "joined", "deflate", "identity", "empty"],
)  # fmt: skip
def test_a_compressed_answer_is_inflated(upstream: Upstream, answer: Answer) -> None:
    upstream.then(answer)

    assert ask(to(upstream.url)) == (200, TEXT)


def test_a_gzip_bomb_is_stopped(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "INFLATED_LIMIT", 1 << 20)
    upstream.then(packed(gzip.compress(bytes(1 << 20))), packed(gzip.compress(bytes((1 << 20) + 1))))

    assert len(ask(to(upstream.url))[1]) == 1 << 20
    assert str(failing(to(upstream.url))) == "the compressed answer grew over 1 MiB"


def test_many_small_bombs_count_as_one(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "INFLATED_LIMIT", 1 << 20)
    upstream.then(packed(*[gzip.compress(bytes(300_000))] * 4))

    assert failing(to(upstream.url)).kind == "broken"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (packed(b"x", content_encoding="br"), "the answer is encoded as 'br', which was not asked for"),
        (packed(b"no gzip", content_encoding="gzip"), "the answer cannot be decompressed"),
    ],
)
def test_what_cannot_be_inflated_is_broken(upstream: Upstream, answer: Answer, message: str) -> None:
    upstream.then(answer)
    error = failing(to(upstream.url))

    assert error.kind == "broken"
    assert message in str(error)


# What fails.


def test_a_refused_connection_is_told_as_one(upstream: Upstream) -> None:
    upstream.refuse()
    error = failing(to(upstream.url))

    assert error.kind == "connect"
    assert str(error).startswith("cannot connect: ")


def test_a_name_that_does_not_exist_is_no_connection() -> None:
    assert failing(to("http://no-such-host.invalid/v1")).kind == "connect"


def test_a_server_that_takes_no_part_in_tls(
    tls_upstream: Upstream, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.1)
    tls_upstream.ignore()

    assert failing(to(tls_upstream.url, ca=authority.ca, first_byte=1)).kind == "connect_timeout"


@pytest.mark.parametrize(
    "answer",
    [stall_before_headers(), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", 0.5, b"x", Act.FIN)],
    ids=["no head", "a head alone"],
)
def test_silence_is_given_up_after_the_first_bytes_time(upstream: Upstream, answer: Answer) -> None:
    upstream.then(answer)
    error = failing(to(upstream.url, first_byte=0.1))

    assert error.kind == "first_byte_timeout"
    assert "within 0.1 s" in str(error)


def test_a_pause_after_the_first_byte_is_not_ours_to_judge(upstream: Upstream) -> None:
    upstream.then(raw_stream(b"a", b"b").edited(lambda steps: [steps[0], 0.6, steps[1]]))

    assert ask(to(upstream.url, first_byte=0.5)) == (200, b"ab")


@pytest.mark.parametrize(
    "answer",
    [
        reset_before_headers(),
        raw(b"HTTP/1.1 200", Act.FIN),
        raw(b"SSH-2.0-OpenSSH\r\n\r\n", Act.FIN),
        stream("a", "b").reset_after(2),
        stream("a", "b").fin_after(2),
        raw(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n", Act.FIN),
    ],
    ids=["reset", "half a head", "no HTTP", "reset in the body", "body cut", "no body"],
)
def test_a_connection_that_breaks_is_told_as_broken(upstream: Upstream, answer: Answer) -> None:
    upstream.then(answer)
    error = failing(to(upstream.url))

    assert error.kind == "broken"
    assert str(error).startswith("the connection broke")


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://127.0.0.1:99999/v1"])
def test_an_address_that_is_none_is_an_error_and_no_crash(url: str) -> None:
    assert failing(to(url)).kind in ("broken", "connect")


@pytest.mark.parametrize(
    "proxy",
    ["http://me:{}@127.0.0.1:port", "socks5://me:{}@127.0.0.1:1", "http://me:{}@127.0.0.1:99999", "{}"],
)
def test_a_proxy_that_is_none_is_told_without_its_password(proxy: str) -> None:
    password = "canary-0123456789"
    outgoing = to("http://127.0.0.1:9", proxy=proxy.format(password))

    async def warmed(pool: Pool) -> str:
        with pytest.raises(TransportError) as caught:
            await pool.warm(outgoing.url, proxy=outgoing.proxy)
        return str(caught.value)

    assert password not in str(failing(outgoing))
    assert password not in using(warmed)


def test_what_is_not_http_is_not_repeated(upstream: Upstream) -> None:
    upstream.then(raw(b"HTTP/1.1 200 OK\r\nbad header canary-0123456789\r\n\r\n"))

    assert str(failing(to(upstream.url))).endswith("what came is not HTTP")
