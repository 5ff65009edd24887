"""Whom a pool speaks to, and through whom: certificates, proxies, and never ourselves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from idetour.certs.authority import ensure
from idetour.certs.outbound import outbound_context
from idetour.upstreams.transport import Pool, TransportError
from upstream import Authority, Upstream
from upstreams.pooling import ask, failing, to, using, whole

type Upstreams = Callable[..., Upstream]


# TLS.


def test_the_certificate_file_of_an_upstream_is_trusted(tls_upstream: Upstream, authority: Authority) -> None:
    assert ask(to(tls_upstream.url, ca=authority.ca))[0] == 200


@pytest.mark.parametrize(
    ("host", "expired", "trusted"),
    [("elsewhere.test", False, True), ("127.0.0.1", True, True), ("127.0.0.1", False, False)],
    ids=["of another host", "expired", "of an authority nobody trusts"],
)
def test_a_certificate_that_does_not_vouch_is_asked_nothing(
    upstreams: Upstreams, authority: Authority, host: str, expired: bool, trusted: bool
) -> None:
    upstream = upstreams(tls=authority.leaf(host, expired=expired))
    error = failing(to(upstream.url, ca=authority.ca if trusted else None))

    assert error.kind == "tls"
    assert str(error).startswith("TLS failed: ")
    assert upstream.requests == []


def test_a_server_without_tls_is_told_as_one() -> None:
    async def work(pool: Pool) -> None:
        async with connecting(0, greeting=b"SSH-2.0-OpenSSH\r\n") as server:
            await pool.send(to(server.url.replace("http:", "https:")))

    with pytest.raises(TransportError) as caught:
        using(work)

    assert caught.value.kind == "tls"


def test_a_certificate_file_that_is_none_is_told(tmp_path: Path, tls_upstream: Upstream) -> None:
    (tmp_path / "text.pem").write_text("no certificate", encoding="utf-8")
    for name, pool in [
        ("text.pem", Pool()),
        ("gone.pem", Pool(context=lambda ca: outbound_context(None, ca))),
    ]:
        error = failing(to(tls_upstream.url, ca=tmp_path / name), pool)

        assert error.kind == "tls"
        assert name in str(error)


# Ourselves.


def test_an_intercepted_name_that_leads_to_this_machine_is_a_loop(upstream: Upstream) -> None:
    url = f"http://localhost:{upstream.port}/v1"
    error = failing(to(url), Pool(intercepted=lambda: frozenset({"localhost"})))

    assert error.kind == "loop"
    assert "hosts file" in str(error)
    assert upstream.accepted == 0
    assert ask(to(url), Pool(intercepted=lambda: frozenset({"api.openai.com"})))[0] == 200


def test_a_certificate_of_our_own_is_a_loop(upstreams: Upstreams, tmp_path: Path) -> None:
    """Reached through a proxy: no name of this machine could be on that certificate."""
    ours = ensure(tmp_path / "certs", ["api.openai.com"])
    upstream = upstreams(tls=ours.chains["api.openai.com"])

    async def work(pool: Pool) -> None:
        async with connecting(upstream.port) as proxy:
            await pool.send(to("https://api.openai.com/v1", proxy=proxy.url, ca=ours.root))

    with pytest.raises(TransportError) as caught:
        using(work, Pool(context=lambda ca: outbound_context(ours, ca)))

    assert caught.value.kind == "loop"
    assert upstream.requests == []


# An upstream's proxy.


class Proxy:
    """Takes CONNECT and leads everybody to one port, whatever they asked for. A greeting is sent unasked."""

    def __init__(self, port: int, answer: bytes, greeting: bytes) -> None:
        self.asked: list[str] = []
        self.url = ""
        self.writers: list[asyncio.StreamWriter] = []
        self._port, self._answer, self._greeting = port, answer, greeting

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(self._greeting)
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.partition(b" HTTP/")[0].decode())
        writer.write(self._answer)
        if b" 200 " not in self._answer:
            return writer.close()
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self.writers.append(back)
        await asyncio.gather(pump(reader, back), pump(there, writer))


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
    except OSError:
        pass
    sink.close()


@asynccontextmanager
async def connecting(
    port: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n", greeting: bytes = b""
) -> AsyncIterator[Proxy]:
    proxy = Proxy(port, answer, greeting)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        for writer in proxy.writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn


def test_an_upstreams_proxy_is_asked_to_connect(upstreams: Upstreams, authority: Authority) -> None:
    upstream = upstreams(tls=authority.leaf("llm.test"))

    async def work(pool: Pool) -> tuple[list[str], bytes]:
        async with connecting(upstream.port) as proxy:
            incoming = await pool.send(to("https://llm.test/v1", proxy=proxy.url, ca=authority.ca))
            body = await whole(incoming)
            await pool.close()
            return proxy.asked, body

    asked, body = using(work)

    assert asked == ["CONNECT llm.test:443"]
    assert b"Hello" in body
    assert upstream.requests[0].header("host") == "llm.test"


def test_a_proxy_that_refuses_is_named_without_its_password() -> None:
    async def work(pool: Pool) -> None:
        async with connecting(0, b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n") as proxy:
            url = proxy.url.replace("//", "//me:hunter2@")
            await pool.send(to("https://llm.test/v1", proxy=url))

    with pytest.raises(TransportError) as caught:
        using(work)

    assert (caught.value.kind, str(caught.value)) == ("connect", "the proxy refused: 407 Who are you")


def test_a_proxy_that_is_not_there_is_no_connection() -> None:
    assert failing(to("https://llm.test/v1", proxy="http://127.0.0.1:9")).kind == "connect"
