"""Which connections the gateway takes whole, and what becomes of the others."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from mitmproxy import connection
from mitmproxy.proxy import mode_specs

from proxy.conftest import HOST, Proxy
from upstream import Upstream, stream, until

GET = b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n"
CONNECT = b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n"
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def profile(upstream: Upstream, profile_file: Callable[..., Path]) -> Path:
    return profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}'}}}}\nmodels: {{gpt-4o: fake/real-model}}"
    )


def test_one_port_serves_the_base_url_too(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    with running.direct() as client:
        assert client.get("/health").json()["status"] == "ok"
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200


def test_a_connection_that_is_handed_over_is_not_called_killed(
    proxy: Callable[..., Proxy], profile: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with proxy(profile).direct() as client:
        client.get("/health")

    assert until(lambda: "client disconnect" in caplog.messages)
    assert "client kill connection" not in caplog.messages


def stranger(running: Proxy, address: str = "192.168.7.7") -> connection.Client:
    """A connection of another machine, once it was greeted."""
    client = connection.Client(
        peername=(address, 50000),
        sockname=("192.168.7.1", running.port),
        proxy_mode=mode_specs.ProxyMode.parse("regular"),
    )
    greeted = running.master.addons.get("greeting").client_connected(client)
    asyncio.run_coroutine_threadsafe(greeted, running.loop).result(10)
    return client


def test_other_machines_are_turned_away(proxy: Callable[..., Proxy], profile: Path) -> None:
    assert stranger(proxy(profile)).error == "only this machine may use idetour"


def test_another_machine_cannot_take_all_connections(
    proxy: Callable[..., Proxy], profile_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.proxy.greeting.MOST_OF_ONE", 2)
    running = proxy(profile_file("access: [sk-team-0123456789]\nmodels: {m: demo/hello}"), idetour_lan=True)
    first, _, third = (stranger(running) for _ in range(3))
    assert (first.error, third.error) == (None, "too many connections from one machine")
    assert stranger(running, "192.168.7.8").error is None
    for left in (first, third):
        running.master.addons.get("greeting").client_disconnected(left)
    assert stranger(running).error is None


def test_with_a_key_other_machines_may_use_whatever_name_they_know_us_by(
    proxy: Callable[..., Proxy], upstream: Upstream, profile_file: Callable[..., Path]
) -> None:
    profile = profile_file("access: [sk-team-0123456789]\nmodels: {gpt-4o: demo/hello}")
    running = proxy(profile, idetour_lan=True)
    with running.direct() as client:
        name = {"host": "workstation.lan:8080"}
        assert client.get("/v1/models", headers=name).status_code == 401
        key = {"authorization": "Bearer sk-team-0123456789"}
        assert client.get("/v1/models", headers=name | key).status_code == 200


def test_the_owners_pages_are_no_flows_even_where_flows_are_displayed(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile, display=True)
    with running.direct() as client:
        assert client.get("/admin/api/status").status_code == 401
    assert running.flows() == []


@pytest.mark.parametrize(
    ("hello", "refusal"),
    [(b"\x05\x01\x00", b"\x05\xff"), (b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"\x00\x5b" + bytes(6))],
    ids=["SOCKS5", "SOCKS4"],
)
def test_who_takes_us_for_a_socks_server_is_refused_at_once_and_told_of_once(
    proxy: Callable[..., Proxy], profile: Path, hello: bytes, refusal: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    running = proxy(profile)
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", running.port)) as sock:
            sock.settimeout(10)
            sock.sendall(hello)
            assert sock.recv(100) == refusal
            assert sock.recv(100) == b""
    told = [record.message for record in caplog.records if "SOCKS" in record.message]
    assert len(told) == 1
    assert f"to port {running.port}, which is an HTTP proxy" in told[0]


def test_what_needs_a_host_says_so_where_none_was_told(
    proxy: Callable[..., Proxy], profile: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with proxy(profile).line() as tls:
        tls.sendall(b"GET /proxy.pac HTTP/1.0\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 400 ")
    assert "fault" not in caplog.text


class Slow:
    """TLS whose first bytes are ours to send as we like."""

    def __init__(self, running: Proxy, *, alpn: Sequence[str] = ()) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = running.trust()
        context.set_alpn_protocols(alpn)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=HOST)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.hello = self.outgoing.read()

    def asks(self, sock: socket.socket) -> bytes:
        """Finish the handshake and ask."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.incoming.write(sock.recv(1 << 16))
        self.tls.write(GET)
        sock.sendall(self.outgoing.read())
        while True:
            try:
                return self.tls.read(100)
            except ssl.SSLWantReadError:
                self.incoming.write(sock.recv(1 << 16))


@pytest.fixture
def sock(proxy: Callable[..., Proxy], profile: Path) -> Iterator[tuple[Proxy, socket.socket]]:
    """A connection to a proxy whose flows nobody wants."""
    running = proxy(profile)
    with socket.create_connection(("127.0.0.1", running.port), 10) as sock:
        yield running, sock


@pytest.mark.parametrize("connect", [CONNECT, b""], ids=["CONNECT", "TLS at once"])
def test_a_hello_in_pieces_is_put_together(sock: tuple[Proxy, socket.socket], connect: bytes) -> None:
    running, plain = sock
    slow = Slow(running)
    if connect:
        plain.sendall(connect)
        assert plain.recv(1000).startswith(b"HTTP/1.1 200 ")
    for piece in (slow.hello[:1], slow.hello[1:40], slow.hello[40:]):
        plain.sendall(piece)
        time.sleep(0.02)
    assert slow.asks(plain).startswith(b"HTTP/1.1 200 OK")


def test_a_hello_may_be_longer_than_a_record(sock: tuple[Proxy, socket.socket]) -> None:
    running, plain = sock
    slow = Slow(running, alpn=[f"{number:0>200}" for number in range(100)])
    assert len(slow.hello) > 20_000
    plain.sendall(slow.hello)
    assert slow.asks(plain).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("cut", [0, 20, len(CONNECT)])
def test_a_connect_that_does_not_come_alone_and_whole_is_mitmproxys(
    sock: tuple[Proxy, socket.socket], cut: int
) -> None:
    running, plain = sock
    slow = Slow(running)
    for piece in (CONNECT[:cut], CONNECT[cut:] + slow.hello):
        plain.sendall(piece)
        time.sleep(0.05)
    assert plain.recv(len(b"HTTP/1.1 200 Connection established\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert slow.asks(plain).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "said", [b"", CONNECT, CONNECT + b"\x16\x03\x01\x02", b"\x16\x03\x01\x02\x00\x01", b"CONN"]
)
def test_one_that_leaves_in_the_midst_is_forgotten(
    proxy: Callable[..., Proxy], profile: Path, said: bytes
) -> None:
    running = proxy(profile)
    with socket.create_connection(("127.0.0.1", running.port), 10) as plain:
        plain.sendall(said)
        assert until(lambda: running.on_loop(lambda: len(connections(running))) == 1)
    assert until(lambda: running.on_loop(lambda: not connections(running)))


def test_one_that_leaves_in_the_midst_of_the_handshake_is_forgotten(
    sock: tuple[Proxy, socket.socket],
) -> None:
    running, plain = sock
    plain.sendall(Slow(running).hello)
    assert plain.recv(10)
    plain.close()
    assert until(lambda: running.on_loop(lambda: not connections(running)))


def connections(running: Proxy) -> dict[str, object]:
    found: dict[str, object] = running.master.addons.get("proxyserver").connections
    return found


def test_what_runs_is_cut_when_we_stop(profile: Path, home: Path, upstream: Upstream) -> None:
    upstream.then(stream("a", "b").stall_after(2))
    body = json.dumps({**ASK, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
    with ExitStack() as stack:
        with Proxy(profile) as running:
            waiting = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), 10))
            waiting.sendall(Slow(running).hello)  # and never goes on
            assert waiting.recv(10)
            tls = stack.enter_context(running.line())
            tls.sendall(head.encode() + body)
            assert tls.recv(1000).startswith(b"HTTP/1.1 200 OK")
        rest = b"".join(iter(lambda: tls.recv(1 << 16), b""))
    assert not rest.endswith(b"0\r\n\r\n")


def test_without_the_names_that_are_not_documented_all_goes_mitmproxys_way(
    proxy: Callable[..., Proxy], profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = proxy(profile)
    hidden: dict[str, object] = {}
    monkeypatch.setattr("idetour.proxy.caller.Caller.of", lambda client: hidden.get(client.id))
    with running.client() as client, running.direct() as direct:
        assert client.get(f"https://{HOST}/v1/models").status_code == 200
        assert direct.get("/v1/models").status_code == 200


def test_a_foreign_host_name_does_not_send_our_visitors_elsewhere(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile, display=True)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(10)
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 403")
