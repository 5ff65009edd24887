"""The upstream that the tests play answers exactly as asked, and writes as any server might."""

import json
import zlib
from collections.abc import Iterator

import httpx2
import openai
import pytest

from upstream import INVALID, Answer, Upstream, call, raw_stream, status, stream, think, until, whole
from upstream.reading import ASK, HI, drain, plug, read, said


@pytest.fixture
def sdk(upstream: Upstream) -> Iterator[openai.OpenAI]:
    http = httpx2.Client(trust_env=False)
    with openai.OpenAI(base_url=upstream.url, api_key="none", max_retries=0, http_client=http) as client:
        yield client


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


def test_bytes_of_a_stream_can_be_anything(upstream: Upstream) -> None:
    upstream.then(raw_stream(b": hi\n", b"\xef\xbb\xbfdata:x\n\n"))
    assert read(upstream) == b": hi\n\xef\xbb\xbfdata:x\n\n"


def test_an_error_event_can_take_the_place_of_the_rest(upstream: Upstream, sdk: openai.OpenAI) -> None:
    upstream.then(stream("a", "b").then_sends(2, b'data: {"error":{"message":"broke"}}\n\n'))
    chunks = sdk.chat.completions.create(model="m", messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="broke"):
        list(chunks)
