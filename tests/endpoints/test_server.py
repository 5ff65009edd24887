"""The HTTP server on a loop that is not ours."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from endpoints.talk import Line, ask, look, request
from idetour.endpoints import server
from idetour.endpoints.asgi import Message
from idetour.endpoints.serve import Gateway, assemble
from idetour.profile.watch import Watched
from upstream import Authority, until

if TYPE_CHECKING:
    from conftest import Serving


@pytest.fixture
def gateway(profile_file: Callable[..., Path]) -> Gateway:
    return assemble(Watched(profile_file("models: {m: demo/hello}")))


class Elsewhere(asyncio.Protocol):
    """Accepts connections as the proxy does: the first bytes are read, then the gateway gets it."""

    def __init__(self, gateway: Gateway, tls: ssl.SSLContext | None = None) -> None:
        self._gateway, self._tls = gateway, tls
        self.over: list[asyncio.Task[None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        adopted = self._gateway.server.adopt(self.transport, data, tls=self._tls)
        self.over.append(asyncio.ensure_future(adopted))

    async def met(self, client: Callable[[int], list[int]]) -> list[int]:
        """What `client` says of our port, once the connection is over."""
        listener = await asyncio.get_running_loop().create_server(lambda: self, "127.0.0.1", 0)
        try:
            said = await asyncio.to_thread(client, listener.sockets[0].getsockname()[1])
            await asyncio.wait_for(self.over[0], 5)
        finally:
            listener.close()
            await self._gateway.stop()
        return said


def test_a_connection_that_somebody_else_accepted_is_served(gateway: Gateway) -> None:
    def twice(port: int) -> list[int]:
        with Line(port) as line:
            return [line.send(request("GET", "/health")).answer().status for _ in range(2)]

    elsewhere = Elsewhere(gateway)
    assert (asyncio.run(elsewhere.met(twice)), len(elsewhere.over)) == ([200, 200], 1)


def test_one_that_left_before_it_was_heard_gets_no_answer(gateway: Gateway) -> None:
    """The system does not know its address any more, which says nothing about who it was."""
    head = {"method": "POST", "path": "/v1/chat/completions", "headers": [(b"host", b"localhost")]}
    sent: list[object] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await gateway.app({"type": "http", "client": None, **head}, receive, send)
        await gateway.stop()

    asyncio.run(ask())
    assert sent == []


@pytest.fixture
def tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.leaf())
    return context


def test_it_may_begin_with_tls(gateway: Gateway, tls: ssl.SSLContext, authority: Authority) -> None:
    def once(port: int) -> list[int]:
        trust = ssl.create_default_context(cafile=authority.ca)
        with (
            socket.create_connection(("127.0.0.1", port), 10) as plain,
            trust.wrap_socket(plain, server_hostname="localhost") as line,
        ):
            line.sendall(request("GET", "/health"))
            return [int(line.recv(1000).split()[1])]

    assert asyncio.run(Elsewhere(gateway, tls).met(once)) == [200]


def test_one_whose_handshake_is_cut_off_is_over(gateway: Gateway, tls: ssl.SSLContext) -> None:
    elsewhere = Elsewhere(gateway, tls)

    def begin(port: int) -> list[int]:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            plain.sendall(b"\x16\x03\x01\x02")
            until(lambda: bool(elsewhere.over))
            elsewhere.over[0].get_loop().call_soon_threadsafe(elsewhere.transport.abort)  # type: ignore[attr-defined]
            return [len(plain.recv(100))]

    assert asyncio.run(elsewhere.met(begin)) == [0]


def test_one_that_speaks_no_tls_where_it_should_is_told_by_an_error(
    gateway: Gateway, tls: ssl.SSLContext
) -> None:
    def wrong(port: int) -> list[int]:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            plain.sendall(request("GET", "/health"))
            return [len(plain.recv(100))]

    with pytest.raises(ssl.SSLError, match="HTTP_REQUEST"):
        asyncio.run(Elsewhere(gateway, tls).met(wrong))


def test_a_connection_on_which_nothing_is_said_is_closed_in_the_end(
    served: Callable[..., "Serving"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 0.05)
    with Line(served().port) as line:
        assert line.ended()


def test_a_head_that_never_ends_is_not_waited_for(
    served: Callable[..., "Serving"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.05)
    with Line(served().port) as line:
        line.send(b"POST / HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
        assert line.ended()


def test_what_is_left_of_a_body_that_nobody_reads_is_not_waited_for(
    served: Callable[..., "Serving"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "KEEP_ALIVE_SECONDS", 0.5)
    with Line(served().port) as line:
        head = request("GET", "/health", content_length="9")
        assert line.send(head).answer().status == 200
        assert line.send(b"x").ended()


def test_a_trailer_is_no_header(port: int) -> None:
    end = b"0\r\nhost: elsewhere.example\r\n\r\n"
    with Line(port) as line:
        head = request("GET", "/health", transfer_encoding="chunked")
        assert line.send(head + end).answer().status == 200


@pytest.mark.parametrize("endless", [b"0\r\nx: ", b"1;"], ids=["trailer", "extension"])
def test_what_belongs_to_no_body_is_not_collected_for_ever(port: int, endless: bytes) -> None:
    with Line(port) as line:
        head = request("GET", "/health", transfer_encoding="chunked")
        assert line.send(head + endless).answer().status == 200
        with pytest.raises(ConnectionError):
            line.send(b"y" * (16 << 20))


def test_silent_connections_do_not_keep_others_waiting(port: int) -> None:
    silent = [Line(port) for _ in range(50)]
    assert look(port, "/health").status == 200
    for line in silent:
        line.close()


def test_an_answer_that_takes_longer_than_a_head_may_is_not_cut(
    served: Callable[..., "Serving"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.05)
    body = b'{"model":"demo/hello","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    assert ask(served().port, "POST", "/", body).body.endswith(b"[DONE]\n\n")


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET / HTTP/9.9\r\nnonsense\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["TLS", "version", "path"],
)
def test_what_is_not_http_is_refused_as_an_api_does_and_closed(
    port: int, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Line(port) as line:
        answer = line.send(said).answer()
        assert (answer.status, line.ended()) == (400, True)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "rror" not in caplog.text  # asyncio's word on a protocol that raises


def test_a_taken_port_is_an_error_and_not_an_exit(gateway: Gateway, port: int) -> None:
    async def run() -> None:
        with pytest.raises(OSError, match="in use"):
            await gateway.server.listen("127.0.0.1", port)
        await gateway.stop()

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(5))
def test_whom_we_were_just_letting_in_when_we_end_is_cut_too(gateway: Gateway, turns: int) -> None:
    async def run() -> None:
        port = await gateway.server.listen("127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", port)) as client:
            for _ in range(turns):
                await asyncio.sleep(0)
            await gateway.stop()
            client.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.to_thread(client.recv, 1) == b""

    asyncio.run(run())


def test_an_answer_does_not_say_what_serves_it(port: int) -> None:
    assert not {"server", "date"} & look(port, "/health").headers.keys()


def test_a_head_that_is_too_long_is_refused(served: Callable[..., "Serving"]) -> None:
    with socket.create_connection(("127.0.0.1", served().port)) as sock:
        sock.settimeout(10)
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        line = b"x-padding: " + b"y" * 8000 + b"\r\n"
        with contextlib.suppress(ConnectionError):  # it may be closed while we still send
            for _ in range(200):
                sock.sendall(line)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100).startswith(b"HTTP/1.1 431")
