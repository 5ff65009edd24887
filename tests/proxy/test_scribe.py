"""What a person sees of a flow."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mitmproxy import http

from idetour.endpoints.admin import HEADER, STATUS, token
from idetour.gateway.record import Record, Tried
from idetour.gateway.scrub import LEFT_OUT
from idetour.profile import Target
from idetour.proxy import scribe
from idetour.wire.usage import Usage
from proxy.conftest import Proxy
from upstream import Upstream, status, stream, until

CANARY = "sk-canary-7f3a9c51d2e8b604"
ASK = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
CHAT = "https://api.openai.com/v1/chat/completions"
SIGNED = {
    "authorization": f"Bearer {CANARY}",
    "x-api-key": CANARY,
    "cookie": f"session={CANARY}; theme=dark",
    "x-goog-api-key": CANARY,
    "x-auth-token": CANARY,
}


@pytest.fixture
def profile(upstream: Upstream, profile_file: Callable[..., Path]) -> Path:
    return profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}'}}}}\n"
        "models: {first: fake/one, second: fake/two}\n"
        "routes: {gpt-4o: [{use: first, else: [second]}]}"
    )


def shown(flow: http.HTTPFlow) -> bytes:
    return (flow.response and flow.response.raw_content) or b""


def test_a_flow_shows_the_url_that_the_ide_asked_for(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile, display=True)
    with running.client() as client:
        client.post(CHAT, json=ASK)
    (flow,) = running.flows()
    assert flow.request.url == CHAT
    assert flow.request.headers["host"] == "api.openai.com"
    assert [name for name in flow.request.headers if name.startswith("x-idetour")] == []


def test_the_comment_names_target_attempts_tokens_and_first_token(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(status(429), stream("Hel", "lo"))
    running = proxy(profile, display=True)
    with running.client() as client:
        client.post(CHAT, json=ASK)
    (flow,) = running.flows()
    assert until(lambda: "tokens" in flow.comment)
    assert flow.comment.startswith("→ fake/two · 2 attempts · fake/one: 429")
    assert "first token" in flow.comment


def test_the_streamed_answer_is_kept_for_display(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("Hel", "lo"))
    running = proxy(profile, display=True)
    with running.client() as client:
        answer = client.post(CHAT, json=ASK)
    (flow,) = running.flows()
    assert until(lambda: flow.response is not None and flow.response.raw_content == answer.content)


def test_no_key_is_in_a_flow_or_in_a_saved_file(
    proxy: Callable[..., Proxy], profile: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "flows.mitm"
    running = proxy(profile, display=True, save_stream_file=str(saved))
    with running.client() as client:
        client.post(f"{CHAT}?key={CANARY}&beta=true", json=ASK, headers=SIGNED)
    (flow,) = running.flows()
    assert flow.request.path == "/v1/chat/completions?key=***&beta=true"
    assert CANARY not in repr(flow.get_state())
    assert flow.request.headers["authorization"] == "Bearer ***b604"
    running.call("save.file", [flow], str(tmp_path / "by-hand.mitm"))
    running.call("export.file", "curl", flow, str(tmp_path / "curl.txt"))
    running.call("save.har", [flow], str(tmp_path / "flow.har"))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in written if CANARY.encode() in path.read_bytes()] == []
    assert saved in written


def test_a_replay_takes_the_same_way_with_the_same_key(
    proxy: Callable[..., Proxy], upstream: Upstream, profile_file: Callable[..., Path]
) -> None:
    profile = profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}', key: client}}}}\nmodels: {{gpt-4o: fake/one}}"
    )
    running = proxy(profile, display=True)
    with running.client() as client:
        client.post(CHAT, json=ASK, headers={"authorization": f"Bearer {CANARY}"})
    (flow,) = running.flows()
    running.call("replay.client", [flow])
    assert until(lambda: len(upstream.requests) == 2)
    assert [request.header("authorization") for request in upstream.requests] == [f"Bearer {CANARY}"] * 2
    assert until(lambda: flow.response is not None and flow.response.status_code == 200)


def test_the_admin_token_opens_through_a_flow_and_stands_in_none(
    proxy: Callable[..., Proxy], profile: Path, home: Path
) -> None:
    running = proxy(profile, display=True)
    secret = token(home / "state").reveal()
    with running.direct() as client:
        client.get("/health")  # a connection that begins with the owner's pages would pass mitmproxy by
        said = [
            client.get(STATUS, headers=way)
            for way in ({HEADER: secret}, {"authorization": f"Bearer {secret}"})
        ]
    assert [answer.status_code for answer in said] == [200, 200]
    assert len(running.flows()) == 3
    assert secret not in str([flow.get_state() for flow in running.flows()])


def test_what_the_owner_sends_and_gets_stands_in_no_flow(
    proxy: Callable[..., Proxy], profile: Path, home: Path
) -> None:
    """A link, a session, a task's token: on a connection that a program began, they pass as flows."""
    running = proxy(profile, display=True)
    secret = token(home / "state").reveal()
    owner = {HEADER: secret}
    with running.direct() as client:
        client.get("/health")
        link = client.post("/admin//%61pi/link", json={}, headers=owner).json()["url"].rpartition("=")[2]
        assert client.post("/admin/api/session", json={"token": secret}).status_code == 200
        granted = client.post("/admin/api/tokens", json={}, headers=owner).json()["token"]
    flows = running.flows()
    assert [flow.response and flow.response.status_code for flow in flows] == [200] * 4
    shown = str([flow.get_state() for flow in flows])
    assert [each for each in (secret, link, granted) if each in shown] == []


@pytest.mark.parametrize("name", ["api-key", "%6Bey", "password", "X-Amz-Signature"])
def test_a_credential_in_a_query_is_masked_by_its_name(name: str) -> None:
    assert scribe.masked_query(f"/v1?a=b&{name}=secret&c=d") == f"/v1?a=b&{name}=***&c=d"


def test_a_key_that_an_answer_tells_is_in_no_flow_whole_or_in_pieces(
    proxy: Callable[..., Proxy], upstream: Upstream, profile_file: Callable[..., Path]
) -> None:
    profile = profile_file(
        f"upstreams: {{fake: {{url: '{upstream.url}', key: {CANARY}}}}}\nmodels: {{gpt-4o: fake/one}}"
    )
    upstream.then(stream(f"It is {CANARY}."), stream("It is ", CANARY[:12], CANARY[12:]))
    running = proxy(profile, display=True, idetour_trace=True)
    with running.client() as client:
        heard = [client.post(CHAT, json=ASK).text for _ in range(2)]
    assert CANARY in heard[0]  # what a model says is passed on as it is
    flows = running.flows()
    assert until(lambda: len(running.flows()) == 4)
    bodies = b"".join(map(shown, flows))
    assert (bodies.count(b"***b604"), bodies.count(LEFT_OUT.encode())) == (2, 2)
    assert CANARY[:12].encode() not in bodies


def test_only_as_many_flows_are_kept_as_was_asked(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile, display=True, idetour_keep_flows=5)
    with running.direct() as client:
        for _ in range(12):
            client.post("/v1/chat/completions", json=ASK)
    assert until(lambda: running.view is not None and running.view.store_count() == 5)


def test_marked_flows_stay(proxy: Callable[..., Proxy], profile: Path) -> None:
    running = proxy(profile, display=True, idetour_keep_flows=2)
    with running.direct() as client:
        client.post("/v1/chat/completions", json=ASK)
        (first,) = running.flows()
        first.marked = ":star:"
        for _ in range(4):
            client.post("/v1/chat/completions", json=ASK)
    assert until(lambda: first in running.flows() and len(running.flows()) == 2)


def test_a_saved_flow_holds_the_answer(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.then(stream("Hel", "lo"))
    saved = tmp_path / "flows.mitm"
    with proxy(profile, save_stream_file=str(saved)).client() as client:
        client.post(CHAT, json=ASK)
    assert until(lambda: saved.exists() and b'"content":"Hel"' in saved.read_bytes().replace(b": ", b":"))


def test_an_empty_piece_does_not_end_the_answer() -> None:
    assert scribe.passed(None, b"") == []
    assert scribe.passed(None, b"more") == b"more"


def test_an_answer_is_shown_while_it_comes(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    gate = threading.Event()
    upstream.then(stream("Hel", "lo").held_after(2, gate))
    running = proxy(profile, display=True)
    with running.client() as client, ThreadPoolExecutor() as pool:
        asking = pool.submit(client.post, CHAT, json=ASK)
        try:
            assert until(lambda: [b"Hel" in shown(flow) for flow in list(running.view or ())] == [True])
            assert [flow.comment.startswith("→ fake/one · 1 attempt") for flow in running.view or ()] == [
                True
            ]
        finally:
            gate.set()
        answer = asking.result(10)
    assert until(lambda: [shown(flow) for flow in running.flows()] == [answer.content])


def test_of_an_answer_that_broke_off_what_came_is_kept(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.then(stream("Hel", "lo").reset_after(2))
    running = proxy(profile, display=True)
    with running.client() as client:
        client.post(CHAT, json=ASK)
    (flow,) = running.flows()
    assert until(lambda: b"Hel" in shown(flow) and "broken" in flow.comment)


def test_that_the_client_left_is_in_the_comment(
    proxy: Callable[..., Proxy], profile: Path, upstream: Upstream
) -> None:
    upstream.always(stream(*["word "] * 500).paced(0.01))
    running = proxy(profile, display=True)
    with running.client() as client, client.stream("POST", CHAT, json=ASK) as answer:
        next(answer.iter_bytes())
    (flow,) = running.flows()
    assert until(lambda: " · left · " in flow.comment)


def test_a_credential_is_masked_but_can_be_told_apart() -> None:
    assert scribe.masked(f"Bearer {CANARY}") == "Bearer ***b604"
    assert scribe.masked("short") == "***"


def test_a_comment_says_how_it_went() -> None:
    record = Record(asked="gpt-4o", door="api.openai.com", id="req_1")
    record.tried = [Tried(Target("nim", "a"), "429", 0.1), Tried(Target("nim", "b"), "answered", 0.4)]
    record.target, record.outcome, record.first_token = Target("nim", "b"), "left", 0.42
    record.usage = Usage(prompt=1200, completion=34, total=1234, cached=0, reasoning=0)
    assert scribe.comment(record) == (
        "→ nim/b · 2 attempts · nim/a: 429 · tokens 1,200 in, 34 out · first token 420 ms · left · req_1"
    )
