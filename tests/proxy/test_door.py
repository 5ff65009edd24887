"""What goes to the gateway, what passes, what is turned away."""

import ipaddress
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import openai
import pytest

from idetour.proxy import door
from proxy.conftest import HOST, Proxy
from upstream import Upstream, stream, until

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "https://api.openai.com/v1/chat/completions"


@pytest.fixture
def profile(upstream: Upstream, profile_file: Callable[..., Path]) -> Path:
    return profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}'}}}}\nmodels: {{gpt-4o: fake/real-model}}"
    )


def test_an_intercepted_request_is_answered_by_the_profile(
    either: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    with either(profile).client() as client:
        answer = client.post(CHAT, json=ASK)
    assert answer.status_code == 200
    assert answer.json()["model"] == "gpt-4o"
    assert answer.headers["x-idetour-target"] == "fake/real-model"
    assert upstream.requests[0].json()["model"] == "real-model"


def test_the_openai_sdk_streams_unchanged_but_for_proxy_and_authority(
    either: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("Hel", "lo"))
    with either(profile).client() as http_client:
        sdk = openai.OpenAI(api_key="any", http_client=http_client)
        chunks = sdk.chat.completions.create(**ASK, stream=True)  # type: ignore[call-overload]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hello"


def test_a_plain_absolute_form_request_for_an_intercepted_host_is_answered(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    with proxy(profile).client() as client:
        assert client.get("http://api.openai.com/v1/models").json()["data"][0]["id"] == "gpt-4o"


def test_direct_requests_over_tls_to_our_own_port_are_answered(
    either: Callable[..., Proxy], profile: Path
) -> None:
    running = either(profile)
    context = running.trust()
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        context.wrap_socket(plain, server_hostname="api.openai.com") as tls,
    ):
        tls.sendall(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_reverse_mode_serves_what_a_hosts_file_sends(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile, "reverse:https://api.openai.com@127.0.0.1:0")
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        running.trust().wrap_socket(plain, server_hostname="api.openai.com") as tls,
    ):
        tls.sendall(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["/v1/unknown", "/v1/files", "/anything"])
def test_no_request_for_an_intercepted_host_ever_leaves_for_it(
    either: Callable[..., Proxy], profile: Path, path: str
) -> None:
    with either(profile).client() as client:
        answer = client.get(f"https://api.openai.com{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_loop_guard_refuses_to_dial_an_intercepted_host(
    either: Callable[..., Proxy], profile: Path
) -> None:
    running = either(profile)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(10)
        sock.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com:443\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        sock.sendall(b"\x00neither TLS nor HTTP")
        assert sock.recv(1000) == b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::1]"])
def test_nobody_reaches_this_machines_services_through_us(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream, host: str
) -> None:
    running = proxy(profile)
    port = httpx2.URL(upstream.url).port
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(10)
        sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        sock.recv(1000)
        sock.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" not in sock.recv(1000)
    assert upstream.requests == []


def test_an_idle_connection_and_a_slow_one_hinder_nobody(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile)
    address = ("127.0.0.1", running.port)
    with socket.create_connection(address), socket.create_connection(address) as slow:
        slow.sendall(b"POST /v1/chat/compl")
        with running.direct() as client, running.client() as through:
            assert client.post("/v1/chat/completions", json=ASK).status_code == 200
            assert through.post(CHAT, json=ASK).status_code == 200


def test_twenty_intercepted_streams_run_at_once(
    either: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    running = either(profile)

    def one(_: int) -> str:
        with running.client() as client:
            return client.post(CHAT, json={**ASK, "stream": True}).text

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)


def test_a_client_that_leaves_an_intercepted_stream_stops_the_upstream(
    either: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("a", "b", "c").stall_after(2))
    with (
        either(profile).client() as client,
        client.stream("POST", CHAT, json={**ASK, "stream": True}) as answer,
    ):
        next(answer.iter_bytes())
    assert until(lambda: upstream.requests[0].aborted is not None, within=1)


def test_a_body_over_10_mb_is_refused_in_json(either: Callable[..., Proxy], profile: Path) -> None:
    big = b'{"model":"gpt-4o","messages":[{"role":"user","content":"' + b"x" * (10 << 20) + b'"}]}'
    with either(profile).client() as client:
        answer = client.post(CHAT, content=big)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


@pytest.mark.skipif(
    not all(map(shutil.which, ("unshare", "ip", "openssl", "curl")))
    or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0,
    reason="needs a network namespace of its own",
)
def test_a_host_that_is_not_ours_keeps_its_own_certificate(tmp_path: Path) -> None:
    command = ["unshare", "-n", sys.executable, str(Path(__file__).with_name("elsewhere.py")), str(tmp_path)]
    paths = os.pathsep.join(path for path in sys.path if path)
    asked = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": paths}
    )
    assert asked.stdout.startswith("0 "), asked.stdout + asked.stderr
    assert "issuer: CN=idetour test authority" in asked.stdout


@pytest.mark.parametrize(
    ("address", "alone", "with_others"),
    [
        ("8.8.8.8", True, True),
        ("198.18.0.7", True, True),
        ("192.168.1.1", True, False),
        ("100.64.0.1", True, False),
        ("10.1.2.3", True, False),
        ("127.0.0.1", False, False),
        ("127.9.9.9", False, False),
        ("0.0.0.0", False, False),
        ("169.254.169.254", False, False),
        ("224.0.0.1", False, False),
        ("::1", False, False),
        ("::", False, False),
        ("::ffff:127.0.0.1", False, False),
        ("fe80::1", False, False),
        ("2606:4700::1", True, True),
    ],
)
def test_nobody_is_tunnelled_to_this_machine_nor_others_to_private_networks(
    address: str, alone: bool, with_others: bool
) -> None:
    parsed = ipaddress.ip_address(address)
    assert (door.reachable(parsed, lan=False), door.reachable(parsed, lan=True)) == (alone, with_others)


@pytest.mark.parametrize("display", [True, False])
def test_a_plain_request_for_another_host_is_not_answered_by_us(
    proxy: Callable[..., Proxy], profile: Path, display: bool
) -> None:
    running = proxy(profile, display=display)
    for url in ("http://192.0.2.9:18099/", "http://localhost:18099/", "http://nosuch.invalid/"):
        with httpx2.Client(proxy=running.url, trust_env=False, timeout=20) as client:
            answer = client.get(url)
        assert answer.status_code == 502, answer.text  # mitmproxy tried, or our guard kept it from trying
        assert "profile" not in answer.text


@pytest.mark.parametrize("name", ["API.OPENAI.COM", "api.openai.com."])
def test_a_name_has_no_case_and_no_dot_at_its_end(
    either: Callable[..., Proxy], profile: Path, name: str
) -> None:
    running = either(profile)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(10)
        sock.sendall(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n".encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        context = running.trust()
        context.check_hostname = False
        with context.wrap_socket(sock, server_hostname=name) as tls:
            tls.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert tls.recv(100).startswith(b"HTTP/1.1 200")


def doors(running: Proxy) -> list[str]:
    """By which doors the newest requests came, as they are written down."""
    recent = running.master.addons.get("engine").gateway.pipeline.recent
    return running.on_loop(lambda: [record.door for record in recent])


def exchange(tls: ssl.SSLSocket, start: str, *headers: str, body: bytes = b"") -> bytes:
    """All that is answered; `start` is a method and a path."""
    lines = [f"{start} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
    tls.sendall("\r\n".join(lines).encode() + body)
    return b"".join(iter(lambda: tls.recv(1 << 16), b""))


def test_the_host_is_written_down_as_the_door(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile)
    with running.client() as client, running.direct() as direct:
        client.post(CHAT, json=ASK)
        direct.post("/v1/chat/completions", json=ASK)
    assert doors(running) == [HOST, "direct"]


def test_one_connection_serves_many_requests(
    either: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    with either(profile).client() as client:
        long = {**ASK, "messages": [{"role": "user", "content": "x" * (5 << 20)}]}
        assert [client.post(CHAT, json=each).status_code for each in (ASK, long, ASK)] == [200] * 3
    assert upstream.requests[1].json()["messages"] == long["messages"]


@pytest.mark.parametrize(
    ("connect", "sni", "host"),
    [
        (f"{HOST}:443", "openrouter.ai", "openrouter.ai"),
        (f"{HOST}:443", HOST, "openrouter.ai"),
        (f"{HOST}:8443", HOST, HOST),
        (f"{HOST}:443", None, HOST),
        ("192.0.2.7:443", HOST, HOST),
    ],
    ids=["SNI", "Host", "port", "no SNI", "IP"],
)
def test_the_host_that_is_meant_is_told_by_name_in_tls_and_in_http(
    either: Callable[..., Proxy], profile_file: Callable[..., Path], connect: str, sni: str | None, host: str
) -> None:
    running = either(profile_file("models: {gpt-4o: demo/hello}\nhosts: [api.openai.com, openrouter.ai]"))
    with running.line(sni, connect=connect) as tls:
        assert (tls.getpeercert() or {})["subjectAltName"] == (("DNS", sni or HOST),)
        said = exchange(tls, "POST /v1/chat/completions", f"Host: {host}", body=json.dumps(ASK).encode())
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert doors(running) == [host]


def test_behind_an_intercepted_host_is_no_other(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile)
    with pytest.raises(OSError, match=r"EOF|reset"), running.line("elsewhere.example"):
        pass
    with running.line() as tls:
        assert not exchange(tls, "GET /v1/models", "Host: elsewhere.example").startswith(b"HTTP/1.1 200")


def test_a_request_without_a_host_is_for_the_one_of_its_connection(
    either: Callable[..., Proxy], profile: Path
) -> None:
    with either(profile).line() as tls:
        tls.sendall(b"GET /v1/models HTTP/1.0\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_plain_http_in_a_tunnel_is_answered(either: Callable[..., Proxy], profile: Path) -> None:
    running = either(profile)
    with socket.create_connection(("127.0.0.1", running.port), 10) as sock:
        sock.sendall(f"CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n".encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
        sock.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_no_websocket_and_no_http2_are_offered(either: Callable[..., Proxy], profile: Path) -> None:
    running, upgrade = either(profile), ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    with running.line() as tls:
        said = exchange(tls, "GET /v1/responses", f"Host: {HOST}", *upgrade, "Sec-WebSocket-Key: eA==")
    assert said.startswith(b"HTTP/1.1 426 ")
    context = running.trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", running.port), 10) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as tls,
    ):
        assert tls.selected_alpn_protocol() == "http/1.1"


def test_access_keys_hold_for_intercepted_hosts_too(
    either: Callable[..., Proxy], profile_file: Callable[..., Path]
) -> None:
    profile = profile_file("access: [sk-team-0123456789]\nmodels: {gpt-4o: demo/hello}")
    with either(profile).client() as client:
        assert client.post(CHAT, json=ASK).status_code == 401
        key = {"authorization": "Bearer sk-team-0123456789"}
        assert client.post(CHAT, json=ASK, headers=key).status_code == 200


def test_what_nobody_here_answers_is_asked_of_the_real_host(
    either: Callable[..., Proxy], profile_file: Callable[..., Path]
) -> None:
    profile = profile_file("models: {gpt-4o: demo/hello}\nhosts: [nosuch.invalid]\npassthrough: true")
    with either(profile).client() as client:
        unknown = client.post("https://nosuch.invalid/v1/chat/completions", json={**ASK, "model": "theirs"})
        elsewhere = client.get("https://nosuch.invalid/v1/files")
    for answer in (unknown, elsewhere):
        assert answer.json()["error"]["code"] == "upstream_unreachable"
