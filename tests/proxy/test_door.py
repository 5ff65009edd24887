"""What goes to the gateway, what passes, what is turned away."""

import ipaddress
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx2
import openai
import pytest
from mitmproxy import connection
from mitmproxy.proxy import mode_specs

from conftest import ADDONS, healthy
from idetour.proxy import door
from proxy.conftest import Proxy
from upstream import Upstream, stream, until

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "https://api.openai.com/v1/chat/completions"


@pytest.fixture
def profile(upstream: Upstream, profile_file: Callable[..., Path]) -> Path:
    return profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}'}}}}\nmodels: {{gpt-4o: fake/real-model}}"
    )


def test_an_intercepted_request_is_answered_by_the_profile(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    with proxy(profile).client() as client:
        answer = client.post(CHAT, json=ASK)
    assert answer.status_code == 200
    assert answer.json()["model"] == "gpt-4o"
    assert answer.headers["x-idetour-target"] == "fake/real-model"
    assert upstream.requests[0].json()["model"] == "real-model"


def test_the_end_leaves_nothing_unwritten_and_no_file_open(profile: Path, home: Path) -> None:
    with Proxy(profile) as running, running.direct() as client:
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200
    with closing(sqlite3.connect(home / "state" / "usage.sqlite")) as kept:
        assert kept.execute("SELECT asked, outcome FROM requests").fetchall() == [("gpt-4o", "ok")]
    assert [*(home / "state").glob("*-wal")] == []


def test_the_openai_sdk_streams_unchanged_but_for_proxy_and_authority(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("Hel", "lo"))
    with proxy(profile).client() as http_client:
        sdk = openai.OpenAI(api_key="any", http_client=http_client)
        chunks = sdk.chat.completions.create(**ASK, stream=True)  # type: ignore[call-overload]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hello"


def test_a_plain_absolute_form_request_for_an_intercepted_host_is_answered(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    with proxy(profile).client() as client:
        assert client.get("http://api.openai.com/v1/models").json()["data"][0]["id"] == "gpt-4o"


def test_one_port_serves_the_base_url_too(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    with running.direct() as client:
        assert client.get("/health").json()["status"] == "ok"
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200


def test_direct_requests_pass_mitmproxy_by_unless_flows_are_displayed(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    seen = proxy(profile, display=True)
    with seen.direct() as client:
        client.post("/v1/chat/completions", json=ASK)
    assert [flow.request.path for flow in seen.flows()] == ["/v1/chat/completions"]
    unseen = proxy(profile, display=True, idetour_inspect="never")
    with unseen.direct() as client:
        assert client.post("/v1/chat/completions", json=ASK).status_code == 200
    assert unseen.flows() == []


def test_the_owners_pages_are_no_flows_even_where_flows_are_displayed(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile, display=True)
    with running.direct() as client:
        assert client.get("/admin/api/status").status_code == 401
    assert running.flows() == []


def test_direct_requests_over_tls_to_our_own_port_are_answered(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile)
    context = running.trust()
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        context.wrap_socket(plain, server_hostname="api.openai.com") as tls,
    ):
        tls.sendall(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_reverse_mode_serves_what_a_hosts_file_sends(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile, "reverse:https://api.openai.com@127.0.0.1:0")
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        running.trust().wrap_socket(plain, server_hostname="api.openai.com") as tls,
    ):
        tls.sendall(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nConnection: close\r\n\r\n")
        assert tls.recv(100).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["/v1/unknown", "/v1/files", "/anything"])
def test_no_request_for_an_intercepted_host_ever_leaves_for_it(
    proxy: Callable[..., Proxy], profile: Path, path: str
) -> None:
    with proxy(profile).client() as client:
        answer = client.get(f"https://api.openai.com{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_loop_guard_refuses_to_dial_an_intercepted_host(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile)
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


def test_an_idle_connection_and_a_slow_one_hinder_nobody(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    address = ("127.0.0.1", running.port)
    with socket.create_connection(address), socket.create_connection(address) as slow:
        slow.sendall(b"POST /v1/chat/compl")
        with running.direct() as client, running.client() as through:
            assert client.post("/v1/chat/completions", json=ASK).status_code == 200
            assert through.post(CHAT, json=ASK).status_code == 200


def test_twenty_intercepted_streams_run_at_once(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    running = proxy(profile)

    def one(_: int) -> str:
        with running.client() as client:
            return client.post(CHAT, json={**ASK, "stream": True}).text

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(one, range(20)))
    assert all(answer.endswith("data: [DONE]\n\n") for answer in answers)


def test_a_client_that_leaves_an_intercepted_stream_stops_the_upstream(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("a", "b", "c").stall_after(2))
    with (
        proxy(profile).client() as client,
        client.stream("POST", CHAT, json={**ASK, "stream": True}) as answer,
    ):
        next(answer.iter_bytes())
    assert until(lambda: upstream.requests[0].aborted is not None, within=1)


def test_a_body_over_10_mb_is_refused_in_json(proxy: Callable[..., Proxy], profile: Path) -> None:
    big = b'{"model":"gpt-4o","messages":[{"role":"user","content":"' + b"x" * (10 << 20) + b'"}]}'
    with proxy(profile).client() as client:
        answer = client.post(CHAT, content=big)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_other_machines_are_turned_away(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    stranger = connection.Client(
        peername=("192.168.7.7", 50000),
        sockname=("192.168.7.1", running.port),
        proxy_mode=mode_specs.ProxyMode.parse("regular"),
    )
    hook = running.master.addons.get("door").client_connected(stranger)
    with pytest.raises(StopIteration):
        hook.send(None)
    assert stranger.error == "only this machine may use idetour"


def test_the_hop_port_answers_nobody_but_the_proxy(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile)
    hop = running.master.addons.get("door").gateway.hop
    assert httpx2.get(f"http://127.0.0.1:{hop}/v1/models", trust_env=False).status_code == 403


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


def test_the_script_can_be_loaded_again_while_it_runs(tmp_path: Path, home: Path, free_port: int) -> None:
    script = tmp_path / "addon.py"
    script.write_text("from idetour.proxy import addons\n__all__ = ['addons']\n")

    mitmdump = str(Path(sys.executable).with_name("mitmdump"))
    command = [mitmdump, "-s", str(script), "--listen-port", str(free_port), "--set"]
    said = tmp_path / "said.txt"
    environment = {**os.environ, "PYTHONPATH": str(ADDONS), "PYTHONUNBUFFERED": "1"}
    with said.open("w") as output:
        process = subprocess.Popen(
            [*command, f"confdir={tmp_path}"], stdout=output, stderr=output, env=environment
        )
    try:
        assert until(lambda: healthy(free_port), within=20)
        os.utime(script, (time.time() + 5, time.time() + 5))
        assert until(lambda: said.read_text().count("Loading script") == 2, within=10)
        assert until(lambda: healthy(free_port), within=10)
        assert "Traceback" not in said.read_text()
    finally:
        process.kill()
        process.wait()


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


def test_a_foreign_host_name_does_not_send_our_visitors_elsewhere(
    proxy: Callable[..., Proxy], profile: Path
) -> None:
    running = proxy(profile, display=True)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(10)
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 403")


def test_flows_that_are_to_be_saved_are_not_passed_by(
    proxy: Callable[..., Proxy], profile: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "flows.mitm"
    running = proxy(profile, save_stream_file=str(saved))
    with running.direct() as client:
        client.post("/v1/chat/completions", json=ASK)
    assert until(lambda: saved.exists() and b"/v1/chat/completions" in saved.read_bytes())


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


def test_a_host_that_is_added_while_we_run_is_intercepted_with_our_certificate(
    proxy: Callable[..., Proxy], profile_file: Callable[..., Path]
) -> None:
    path = profile_file("models: {gpt-4o: demo/hello}")
    with proxy(path).client() as client:
        path.write_text("models: {gpt-4o: demo/hello}\nhosts: [api.openai.com, openrouter.ai]\n")
        assert until(lambda: listed(client, "https://openrouter.ai/api/v1/models"), within=5)


def listed(client: httpx2.Client, url: str) -> bool:
    try:
        return bool(client.get(url).json()["data"])
    except (httpx2.HTTPError, ValueError, LookupError):
        return False


@pytest.mark.parametrize("name", ["API.OPENAI.COM", "api.openai.com."])
def test_a_name_has_no_case_and_no_dot_at_its_end(
    proxy: Callable[..., Proxy], profile: Path, name: str
) -> None:
    running = proxy(profile)
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.settimeout(10)
        sock.sendall(f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n".encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        context = running.trust()
        context.check_hostname = False
        with context.wrap_socket(sock, server_hostname=name) as tls:
            tls.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert tls.recv(100).startswith(b"HTTP/1.1 200")


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


def test_we_do_not_ask_ourselves_for_models(
    proxy: Callable[..., Proxy], profile_file: Callable[..., Path]
) -> None:
    profile = profile_file("models: {gpt-4o: demo/hello}")
    running = proxy(profile, display=True)
    upkeep = running.master.addons.get("door").gateway.upkeep
    assert upkeep.own() == {running.port}
