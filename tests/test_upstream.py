"""The upstream that misbehaves does so exactly as asked: else the fault tests would prove nothing."""

import json
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator

import httpx2
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from upstream import (
    INVALID,
    Act,
    Answer,
    Authority,
    Upstream,
    call,
    html,
    raw,
    raw_stream,
    redirect,
    reset_before_headers,
    stall_before_headers,
    status,
    stream,
    think,
    until,
    whole,
)

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
HI = {"model": "m", "messages": ASK, "stream": True}


@pytest.fixture
def sdk(upstream: Upstream) -> Iterator[openai.OpenAI]:
    http = httpx2.Client(trust_env=False)
    with openai.OpenAI(base_url=upstream.url, api_key="none", max_retries=0, http_client=http) as client:
        yield client


def read(upstream: Upstream, **timeout: float) -> bytes:
    """The body of an answer as it came; what broke it is raised."""
    with httpx2.Client(trust_env=False, timeout=timeout.get("timeout", 5)) as client:
        return client.post(f"{upstream.url}/chat/completions", json=HI).content


def said(upstream: Upstream) -> str:
    """The text of a streamed answer. Each call makes a connection of its own."""
    lines = read(upstream).decode().replace("\r\n", "\n").split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line and "[DONE]" not in line]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


def plug(upstream: Upstream, ask: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", upstream.port), timeout=2)
    sock.sendall(ask)
    return sock


def drain(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(4096), b""))


def test_it_answers_a_stream_or_json_as_asked(sdk: openai.OpenAI) -> None:
    streamed = sdk.chat.completions.create(model="m", messages=ASK, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == "Hello, world"
    answer = sdk.chat.completions.create(model="m", messages=ASK)
    assert answer.choices[0].message.content == "Hello, world"


def test_a_request_is_recorded_as_it_came(upstream: Upstream) -> None:
    httpx2.post(f"{upstream.url}/x", content=b'{"model": "m"}', headers={"X-One": "1"}, trust_env=False)
    (request,) = upstream.requests
    assert (request.method, request.path, request.body) == ("POST", "/v1/x", b'{"model": "m"}')
    assert (request.asked, request.header("x-one"), request.aborted) == ("m", "1", None)


def test_a_chunked_request_is_put_together(upstream: Upstream) -> None:
    with plug(upstream, b"POST /v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") as sock:
        sock.sendall(b"2\r\n{}\r\nA\r\n          \r\n0\r\n\r\n")
        assert sock.recv(99).startswith(b"HTTP/1.1 200")
    assert upstream.requests[0].body == b"{}" + b" " * 10


def test_answers_are_taken_in_order_and_then_the_default(upstream: Upstream) -> None:
    upstream.then(stream("one"), stream("two"))
    upstream.always(stream("always"))
    assert [said(upstream) for _ in range(4)] == ["one", "two", "always", "always"]


def test_a_model_may_have_answers_of_its_own(upstream: Upstream) -> None:
    upstream.then(stream("of m"), asked="m")
    upstream.then(stream("of anybody"))
    assert [said(upstream), said(upstream)] == ["of m", "of anybody"]


def test_the_models_are_listed_without_taking_an_answer(upstream: Upstream, sdk: openai.OpenAI) -> None:
    upstream.then(stream("kept"))
    upstream.models = ["a", "b"]
    assert [model.id for model in sdk.models.list()] == ["a", "b"]
    assert said(upstream) == "kept"


def test_a_path_can_be_scripted_too(upstream: Upstream) -> None:
    upstream.always(status(503), asked="/v1/models")
    assert httpx2.get(f"{upstream.url}/models", trust_env=False).status_code == 503


def test_one_connection_carries_many_requests(upstream: Upstream, sdk: openai.OpenAI) -> None:
    for _ in range(3):
        sdk.chat.completions.create(model="m", messages=ASK)
    assert (upstream.accepted, upstream.open) == (1, 1)
    sdk.close()
    assert until(lambda: upstream.open == 0)


def test_two_requests_in_one_write_get_two_answers(upstream: Upstream) -> None:
    ask = b"POST /v1/x HTTP/1.1\r\ncontent-length: 2\r\n%b\r\n{}"
    upstream.then(whole("one").paced(0.02), whole("two"))
    with plug(upstream, ask % b"" + ask % b"connection: close\r\n") as sock:
        got = drain(sock)
    assert (got.count(b"HTTP/1.1 200"), got.index(b"one") < got.index(b"two")) == (2, True)


def test_reasoning_tools_and_usage_are_streamed_as_the_sdk_reads_them(
    upstream: Upstream, sdk: openai.OpenAI
) -> None:
    upstream.then(stream(think("Hm."), "ok", *call("bash", {"command": "ls"})))
    with sdk.chat.completions.stream(
        model="m", messages=ASK, stream_options={"include_usage": True}
    ) as events:
        answer = events.get_final_completion()
    (tool,) = answer.choices[0].message.tool_calls or []
    assert (tool.function.name, json.loads(tool.function.arguments)) == ("bash", {"command": "ls"})
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("ok", "tool_calls")
    assert answer.usage is not None
    assert answer.usage.total_tokens == 12
    assert getattr(answer.choices[0].message, "reasoning_content", None) == "Hm."


@pytest.mark.parametrize(
    "answer",
    [
        stream("é", "\u2028", "😀").split(1),
        stream("é", "\u2028", "😀").lines(b"\r\n").split(3),
        stream("é", "\u2028", "😀").joined(),
        stream("é", "\u2028", "😀").until_close(),
        stream("é", "\u2028", "😀").gzipped(),
        stream("é", "\u2028", "😀").late(0.01).paced(0.001),
        stream("é", "\u2028", "😀").without_done(),
    ],
    ids=["bytes", "crlf", "joined", "close", "gzip", "slow", "no done"],
)
def test_however_it_is_written_it_says_the_same(upstream: Upstream, answer: Answer) -> None:
    upstream.then(answer)
    assert said(upstream) == "é\u2028😀"


def test_line_ends_may_be_cr_alone(upstream: Upstream) -> None:
    upstream.then(stream("a\n").lines(b"\r"))
    body = read(upstream)
    assert (b"\n" in body, body.endswith(b"data: [DONE]\r\r"), rb"a\n" in body) == (False, True, True)


def test_invalid_utf8_is_sent_as_the_byte_it_is(upstream: Upstream) -> None:
    upstream.then(stream(f"be{INVALID}fore"))
    assert b"be\xfffore" in read(upstream)


def test_a_long_line_is_one_line(upstream: Upstream) -> None:
    upstream.then(stream("x" * 200_000))
    assert max(map(len, read(upstream).split(b"\n"))) > 200_000


def test_gzip_is_flushed_after_each_piece(upstream: Upstream) -> None:
    upstream.then(stream("now", "later").gzipped().stall_after(2))
    with httpx2.stream("POST", f"{upstream.url}/chat/completions", json=HI, trust_env=False) as answer:
        pack, text = zlib.decompressobj(wbits=31), b""
        for part in answer.iter_raw():
            text += pack.decompress(part)
            if b"now" in text:
                break
    assert b"later" not in text


def test_headers_may_be_huge(upstream: Upstream) -> None:
    upstream.then(whole("x").saying(x_huge="h" * 50_000))
    answer = httpx2.post(f"{upstream.url}/chat/completions", json=HI, trust_env=False)
    assert len(answer.headers["x-huge"]) == 50_000


def test_other_bodies_have_their_status_and_type(upstream: Upstream) -> None:
    upstream.then(status(429, retry_after="7"), html(code=502), redirect("http://127.0.0.1:1/"))
    answers = [
        httpx2.post(f"{upstream.url}/x", json=HI, trust_env=False, follow_redirects=False) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [429, 502, 307]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["error"]["message"] == "upstream says 429"
    assert answers[1].headers["content-type"].startswith("text/html")
    assert answers[2].headers["location"] == "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (reset_before_headers(), httpx2.ReadError),
        (raw(Act.FIN), httpx2.RemoteProtocolError),
        (raw(b"SSH-2.0-OpenSSH\r\n", Act.FIN), httpx2.RemoteProtocolError),
        (stall_before_headers(), httpx2.ReadTimeout),
        (stream("a").reset_after(0), httpx2.ReadError),
        (stream("a").reset_after(2), httpx2.ReadError),
        (stream("a").fin_after(2), httpx2.RemoteProtocolError),
        (stream("a").stall_after(2), httpx2.ReadTimeout),
    ],
    ids=[
        "reset",
        "fin",
        "no http",
        "stall",
        "reset after 0",
        "reset after 2",
        "fin after 2",
        "stall after 2",
    ],
)
def test_each_fault_is_the_one_that_was_asked_for(
    upstream: Upstream, answer: Answer, fault: type[Exception]
) -> None:
    upstream.then(answer)
    with pytest.raises(fault):
        read(upstream, timeout=0.2)


@pytest.mark.parametrize("answer", [stream("a", "b").reset_after(2), stream("a", "b").fin_after(2)])
def test_what_came_before_a_fault_arrives(upstream: Upstream, answer: Answer) -> None:
    upstream.then(answer)
    got: list[bytes] = []
    with (
        pytest.raises(httpx2.TransportError),
        httpx2.stream("POST", f"{upstream.url}/x", json=HI, trust_env=False) as parts,
    ):
        got.extend(parts.iter_bytes())
    assert b"".join(got).count(b"data: ") == 2


def test_a_stream_can_end_well_formed_and_unfinished(upstream: Upstream) -> None:
    upstream.then(stream("a", "b").ends_after(2))
    body = read(upstream)
    assert (body.count(b"data: "), b"DONE" in body, b'"stop"' in body) == (2, False, False)


def test_an_error_event_can_take_the_place_of_the_rest(upstream: Upstream, sdk: openai.OpenAI) -> None:
    upstream.then(stream("a", "b").then_sends(2, b'data: {"error":{"message":"broke"}}\n\n'))
    chunks = sdk.chat.completions.create(model="m", messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="broke"):
        list(chunks)


def test_the_rest_can_wait_until_the_client_has_heard_the_beginning(upstream: Upstream) -> None:
    gate = threading.Event()
    upstream.then(stream("a", "b").reset_after(3).held_after(2, gate))
    got = b""
    with httpx2.stream("POST", f"{upstream.url}/x", json=HI, trust_env=False) as answer:
        parts = answer.iter_raw()
        while b'"a"' not in got:
            got += next(parts)
        gate.set()
        with pytest.raises(httpx2.ReadError):
            list(parts)
    assert b'"b"' not in got


def test_an_answer_without_so_many_pieces_says_so(upstream: Upstream) -> None:
    said(upstream)
    with pytest.raises(ValueError, match="has 4 pieces, not 9"):
        list(stream("a").reset_after(9).wire(upstream.requests[0]))


def test_bytes_of_a_stream_can_be_anything(upstream: Upstream) -> None:
    upstream.then(raw_stream(b": hi\n", b"\xef\xbb\xbfdata:x\n\n"))
    assert read(upstream) == b": hi\n\xef\xbb\xbfdata:x\n\n"


def test_a_client_that_leaves_is_noticed_at_once(upstream: Upstream) -> None:
    upstream.then(stream("a").stall_after(1))
    with pytest.raises(httpx2.ReadTimeout):
        read(upstream, timeout=0.1)
    assert until(lambda: upstream.requests[0].aborted is not None)
    assert 0.05 < (upstream.requests[0].aborted or 0) < 3


def test_a_client_that_stays_to_the_end_is_not_said_to_have_left(upstream: Upstream) -> None:
    said(upstream)
    assert until(lambda: upstream.open == 0)
    assert upstream.requests[0].aborted is None


def test_a_port_that_refuses_can_come_back(upstream: Upstream) -> None:
    assert said(upstream) == "Hello, world"
    upstream.refuse()
    with pytest.raises(ConnectionRefusedError):
        plug(upstream)
    upstream.accept()
    assert said(upstream) == "Hello, world"


def test_refusing_resets_what_was_open(upstream: Upstream) -> None:
    with plug(upstream) as sock:
        assert until(lambda: upstream.open == 1)
        upstream.refuse()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_ignored_connections_are_made_and_never_answered(upstream: Upstream) -> None:
    upstream.ignore()
    with plug(upstream, b"GET / HTTP/1.1\r\n\r\n") as sock:
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert (upstream.accepted, upstream.requests) == (0, [])


def models(upstream: Upstream, authority: Authority) -> list[str]:
    context = ssl.create_default_context(cafile=authority.ca)
    with httpx2.Client(verify=context, trust_env=False, timeout=0.5) as client:
        return [model["id"] for model in client.get(f"{upstream.url}/models").json()["data"]]


def test_tls_is_good_for_who_trusts_the_authority(tls_upstream: Upstream, authority: Authority) -> None:
    assert tls_upstream.url.startswith("https://")
    assert models(tls_upstream, authority) == ["up-model"]


def test_tls_fails_in_the_ways_that_were_asked_for(
    upstreams: Callable[..., Upstream], authority: Authority
) -> None:
    with pytest.raises(httpx2.ConnectError, match="expired"):
        models(upstreams(tls=authority.leaf(expired=True)), authority)
    with pytest.raises(httpx2.ConnectError, match="not valid for"):
        models(upstreams(tls=authority.leaf("elsewhere.example")), authority)


def test_a_strange_authority_is_not_trusted(
    tls_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        models(tls_upstream, Authority(tmp_path_factory.mktemp("stranger")))


def test_a_handshake_can_hang(tls_upstream: Upstream, authority: Authority) -> None:
    tls_upstream.ignore()
    with pytest.raises(httpx2.ConnectTimeout):
        models(tls_upstream, authority)


def test_nothing_of_it_is_left() -> None:
    before = threading.active_count()
    with Upstream() as up:
        up.then(stream("a").stall_after(1))
        sock = plug(up, b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        assert until(lambda: len(up.requests) == 1)
    with sock, pytest.raises(ConnectionResetError):
        drain(sock)
    assert threading.active_count() == before
