"""Each attempt at an upstream as a flow of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from conftest import ADDONS, healthy
from idetour.proxy.trace import flow_of, keys, masked_answer
from idetour.secret import Secret
from idetour.upstreams.transport import Outgoing
from proxy.conftest import Proxy
from upstream import Upstream, reset_before_headers, status, stream, until

OURS = "nvapi-canary-5d1c0be7a94f2e36"
THEIRS = "sk-canary-7f3a9c51d2e8b604"
ASK = {"model": "gpt-4o", "stream": True, "store": True, "messages": [{"role": "user", "content": "hello"}]}
PATH = "/v1/chat/completions"
SIGNED = {"authorization": f"Bearer {THEIRS}"}
REFUSED = {"error": {"message": f"Incorrect API key provided: {OURS}."}}


@pytest.fixture
def profile(upstream: Upstream, profile_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAKE_KEY", OURS)
    return profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}', key: $FAKE_KEY}}}}\n"
        "models: {first: fake/one, second: {to: fake/two, always: {temperature: 0.6}}}\n"
        "routes: {gpt-4o: [{use: first, else: [second]}]}"
    )


def attempts(running: Proxy) -> list[http.HTTPFlow]:
    return [flow for flow in running.flows() if flow.comment.startswith("attempt")]


def traced(proxy: Callable[..., Proxy], profile: Path, **options: object) -> Proxy:
    running = proxy(profile, display=True, idetour_trace=True, **options)
    with running.direct() as client:
        client.post(PATH, json=ASK, headers=SIGNED)
    return running


def test_each_attempt_is_a_flow_with_the_upstreams_true_host(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(status(429), stream("Hel", "lo"))
    running = traced(proxy, profile)
    first, second = attempts(running)
    assert [first.request.pretty_url, second.request.pretty_url] == [f"{upstream.url}/chat/completions"] * 2
    assert [json.loads(each.request.content or b"")["model"] for each in (first, second)] == ["one", "two"]
    assert [each.response and each.response.status_code for each in (first, second)] == [429, 200]
    assert until(lambda: b"Hel" in ((second.response and second.response.content) or b""))


def test_attempts_name_the_request_that_they_answer_and_what_was_changed(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(status(429), stream("Hel", "lo"))
    running = traced(proxy, profile)
    (asked,) = [flow for flow in running.flows() if flow.request.port == running.port]
    assert until(lambda: asked.comment)
    id = asked.comment.rpartition(" · ")[2]
    first, second = attempts(running)
    assert first.comment.startswith(f"attempt 1 of {id} · ")
    assert second.comment.startswith(f"attempt 2 of {id} · ")
    assert "temperature 0.6 added (second: always)" in second.comment
    assert "model gpt-4o → two" in second.comment


def test_an_attempt_that_failed_below_http_says_why(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(reset_before_headers(), reset_before_headers(), stream("Hello"))
    failed, *_ = attempts(traced(proxy, profile))
    assert failed.response is None
    assert failed.error
    assert "broke" in failed.error.msg


def test_no_key_is_in_an_attempt_even_where_the_upstream_repeats_it(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(status(401, REFUSED, x_key=OURS, x_said=f"no: {OURS}"))
    running = traced(proxy, profile)
    assert OURS not in str([flow.get_state() for flow in running.flows()])
    refused, *_ = attempts(running)
    assert refused.request.headers["authorization"] == "Bearer ***2e36"
    assert refused.response
    assert "***2e36" in (refused.response.text or "")


def test_a_compressed_answer_is_shown_inflated(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("Hel", "lo").gzipped())
    (attempt,) = attempts(traced(proxy, profile))
    assert until(lambda: b'"Hel"' in ((attempt.response and attempt.response.content) or b""))


def test_nothing_is_traced_unless_asked(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile, display=True)
    with running.direct() as client:
        client.post(PATH, json=ASK)
        assert attempts(running) == []
        running.on_loop(lambda: running.master.options.update(idetour_trace=True))
        client.post(PATH, json=ASK)
    assert len(attempts(running)) == 1


def test_flows_of_attempts_do_not_pile_up(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = traced(proxy, profile, idetour_keep_flows=4, idetour_inspect="never")
    with running.direct() as client:
        for _ in range(6):
            client.post(PATH, json=ASK)
    assert until(lambda: running.view is not None and running.view.store_count() <= 4)


def test_the_demo_is_traced_too(proxy: Callable[..., Proxy], profile_file: Callable[..., Path]) -> None:
    running = traced(proxy, profile_file("models: {gpt-4o: demo/echo}"))
    (attempt,) = attempts(running)
    assert attempt.request.pretty_url == "http://demo/chat/completions"


def test_a_saved_run_holds_attempts_and_no_key(
    profile: Path, upstream: Upstream, home: Path, tmp_path: Path, free_port: int
) -> None:
    """A real mitmdump, which saves flows as they end and a HAR when it stops."""
    upstream.then(stream("Hel", "lo"), status(401, REFUSED))
    saved, har, said = (tmp_path / name for name in ("flows.mitm", "all.har", "said.txt"))
    settings = {"confdir": tmp_path / "mitmproxy", "idetour_profile": profile, "idetour_trace": "true"}
    settings |= {"save_stream_file": saved, "hardump": har, "flow_detail": 4, "listen_port": free_port}
    command = [str(Path(sys.executable).with_name("mitmdump")), "-s", str(ADDONS / "addon.py")]
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    with said.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        assert until(lambda: healthy(free_port), within=20)
        url = f"http://127.0.0.1:{free_port}{PATH}?key={THEIRS}"
        for headers in (SIGNED, {"x-api-key": THEIRS}):
            httpx2.post(url, json=ASK, headers=headers, trust_env=False, timeout=20)
        process.terminate()
        process.wait(10)
    finally:
        process.kill()
        process.wait()
    with saved.open("rb") as file:
        flows = [flow for flow in FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]
    hosts = [flow.request.port for flow in flows]
    assert hosts.count(upstream.port) == 2
    assert hosts.count(free_port) >= 2
    entries = json.loads(har.read_text())["log"]["entries"]
    assert sum(entry["request"]["url"].startswith(upstream.url) for entry in entries) == 2
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    leaking = [path.name for path in written for key in (OURS, THEIRS) if key.encode() in path.read_bytes()]
    assert leaking == []


def test_a_rate_limit_is_no_secret_and_a_cookie_is_one() -> None:
    assert masked_answer("x-ratelimit-remaining-tokens", "149984") == "149984"
    assert masked_answer("anthropic-ratelimit-tokens-reset", "2026-01-01") == "2026-01-01"
    assert masked_answer("set-cookie", f"session={OURS}") == "***2e36"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://例え.jp/v1/聊天", "例え.jp"),
        ("http://[::1]:11434/v1", "::1"),
        ("http://my_host:8000/v1", "my_host"),
    ],
)
def test_any_upstream_that_can_be_asked_can_be_shown(url: str, host: str) -> None:
    assert flow_of(Outgoing(url=url, headers={"x-name": "姓名"}, body=None)).request.host == host


def test_what_is_shown_of_a_request_is_what_is_sent_but_for_its_keys() -> None:
    headers = {"authorization": f"Bearer {OURS}", "x-title": "idetour", "x-team-token": "short"}
    made = flow_of(
        Outgoing(url=f"https://api.example.com/v1/chat?api_key={OURS}&v=1", headers=headers, body=b"{}")
    )
    assert made.request.pretty_url == "https://api.example.com/v1/chat?api_key=***&v=1"
    assert made.request.headers["x-title"] == "idetour"
    assert made.server_conn.address == ("api.example.com", 443)
    assert keys(headers) == {Secret(OURS), Secret("short")}
    assert OURS not in str(made.get_state())
