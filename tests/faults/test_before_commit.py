"""Until the first content has come, a failure reaches nobody: another upstream answers, or one clear error."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.client import Asking, took
from upstream import (
    Act,
    Answer,
    Authority,
    Upstream,
    event,
    html,
    raw,
    raw_stream,
    reset_before_headers,
    stall_before_headers,
    status,
    stream,
    until,
    whole,
)

FAULTS = {
    "reset before the head": (reset_before_headers(), 502, "upstream_broken"),
    "closed before the head": (raw(Act.FIN), 502, "upstream_broken"),
    "reset after the head": (stream("x").reset_after(0), 502, "upstream_broken"),
    "reset after the role": (stream("x").reset_after(1), 502, "upstream_broken"),
    "closed after the role": (stream("x").fin_after(1), 502, "upstream_broken"),
    "ended after the role": (stream("x").ends_after(1), 502, "upstream_truncated"),
    "ended at once": (stream("x").ends_after(0), 502, "upstream_truncated"),
    "no head in time": (stall_before_headers(), 504, "upstream_timeout"),
    "no body in time": (stream("x").stall_after(0), 504, "upstream_timeout"),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.6\r\n", Act.FIN), 502, "upstream_broken"),
    "HTML": (html(), 502, "bad_upstream_response"),
    "an error instead of a stream": (raw_stream(event({"error": {"message": "no"}})), 502, "upstream_error"),
    "an error after the role": (
        stream("x").then_sends(1, event({"error": {"message": "no"}})),
        502,
        "upstream_error",
    ),
    "an error with status 200": (whole({"error": {"message": "no", "code": 503}}), 503, "overloaded"),
    "garbage": (raw_stream(b"data: {\n\n" * 3), 502, "upstream_garbled"),
    "429": (status(429), 429, "rate_limit_exceeded"),
    "500": (status(500), 502, "upstream_error"),
    "502 in HTML": (html(code=502), 502, "upstream_error"),
    "503 without a word": (status(503, b""), 503, "overloaded"),
    "a key that is refused": (status(401), 401, "invalid_api_key"),
    "a model that is gone": (status(404), 404, "model_not_found"),
}
each_fault = pytest.mark.parametrize(("answer", "code", "name"), FAULTS.values(), ids=FAULTS)


@each_fault
def test_another_upstream_answers(
    detour: Callable[..., Asking],
    upstreams: Callable[..., Upstream],
    answer: Answer,
    code: int,
    name: str,
) -> None:
    broken, good = upstreams(), upstreams()
    broken.always(answer)
    good.always(stream("sec", "ond"))
    heard = detour(broken, good).chat()
    assert (heard.status, heard.text, heard.error, heard.done) == (200, "second", {}, True)
    assert (heard.headers["x-idetour-target"], len(good.requests)) == ("up1/model", 1)


@each_fault
def test_alone_it_is_one_clear_error(
    detour: Callable[..., Asking], upstream: Upstream, key: str, answer: Answer, code: int, name: str
) -> None:
    upstream.always(answer)
    heard = detour(upstream).chat()
    assert (heard.status, heard.error["code"], heard.cut) == (code, name, None)
    assert "up0" in heard.error["message"]
    assert key not in heard
    assert 1 <= len(upstream.requests) <= 2


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_json_that_is_no_completion_is_an_error(
    detour: Callable[..., Asking], upstream: Upstream, stream: bool
) -> None:
    upstream.always(whole({"hello": "world"}))
    heard = detour(upstream).chat(stream=stream)
    assert (heard.status, heard.error.get("code")) == (502, "bad_upstream_response")


@pytest.mark.parametrize("fault", ["reset before the head", "HTML", "429", "500"])
def test_who_does_not_stream_is_answered_by_another_too(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], fault: str
) -> None:
    broken, good = upstreams(), upstreams()
    broken.always(FAULTS[fault][0])
    good.always(whole("second"))
    heard = detour(broken, good).chat(stream=False)
    assert (heard.status, heard.text) == (200, "second")


@pytest.mark.parametrize("after", [2, 3])
def test_who_does_not_stream_never_sees_half_an_answer(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], after: int
) -> None:
    """SSE came although JSON was asked, and broke: nothing has gone out, so another may answer."""
    broken, good = upstreams(), upstreams()
    broken.always(stream("half", " of it").reset_after(after))
    good.always(whole("second"))
    assert detour(broken, good).chat(stream=False).text == "second"


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_wrong_request_is_wrong_everywhere(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], code: int
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(code, {"error": {"message": "temperature is too hot", "param": "temperature"}}))
    heard = detour(first, second).chat()
    assert (heard.status, heard.error["param"], second.requests) == (code, "temperature", [])
    assert "too hot" in heard.error["message"]


def test_a_context_that_is_too_long_is_said_in_openai_s_words(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(400, {"error": {"message": "This model's maximum context length is 4096 tokens."}}))
    heard = detour(first, second).chat()
    assert (heard.status, heard.error["code"], second.requests) == (400, "context_length_exceeded", [])


def test_the_upstream_s_retry_after_is_passed_on(detour: Callable[..., Asking], upstream: Upstream) -> None:
    upstream.always(status(429, retry_after="7"))
    heard = detour(upstream).chat()
    assert (heard.headers["retry-after"], heard.headers["x-should-retry"]) == ("7", "false")


def test_a_broken_connection_is_tried_once_more(detour: Callable[..., Asking], upstream: Upstream) -> None:
    upstream.then(reset_before_headers(), stream("again"))
    assert detour(upstream).chat().text == "again"


def test_a_silent_upstream_is_not_tried_twice_and_is_let_go(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.always(stall_before_headers())
    detour(upstream, first_byte=0.2).chat()
    assert len(upstream.requests) == 1
    assert until(lambda: upstream.requests[0].aborted is not None)


def test_who_refuses_is_passed_over(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    gone, good = upstreams(), upstreams()
    asking = detour(gone, good)
    gone.refuse()
    assert asking.chat().text == "Hello, world"
    gone.accept()
    good.refuse()
    assert asking.chat().text == "Hello, world"


def test_who_refuses_alone_is_named(detour: Callable[..., Asking], upstream: Upstream) -> None:
    asking = detour(upstream, first_byte=20)  # a busy machine takes its time even to be refused
    upstream.refuse()
    heard = asking.chat()
    assert (heard.status, heard.error["code"]) == (502, "upstream_unreachable"), heard.error


def test_a_host_that_nobody_knows_is_passed_over(detour: Callable[..., Asking], upstream: Upstream) -> None:
    assert detour("https://nowhere.invalid/v1", upstream).chat().text == "Hello, world"


def test_a_host_that_nobody_knows_is_named(detour: Callable[..., Asking]) -> None:
    heard = detour("https://nowhere.invalid/v1", first_byte=20).chat()
    assert (heard.status, heard.error["code"]) == (502, "upstream_unreachable")
    assert "up0" in heard.error["message"]


def test_tls_works_with_the_authority_that_the_profile_names(
    detour: Callable[..., Asking], tls_upstream: Upstream, authority: Authority
) -> None:
    assert detour(tls_upstream, ca=authority.ca).chat().text == "Hello, world"


@pytest.mark.parametrize("wrong", ["expired", "another name", "another authority"])
def test_bad_tls_is_an_error_and_never_ignored(
    detour: Callable[..., Asking],
    upstreams: Callable[..., Upstream],
    authority: Authority,
    tmp_path: Path,
    wrong: str,
) -> None:
    leaf = {
        "expired": authority.leaf(expired=True),
        "another name": authority.leaf("elsewhere.example"),
        "another authority": Authority(tmp_path).leaf(),
    }[wrong]
    bad = upstreams(tls=leaf)
    heard = detour(bad, ca=authority.ca).chat()
    assert (heard.status, heard.error["code"], bad.requests) == (502, "upstream_tls", [])


def test_a_tls_handshake_that_hangs_is_passed_over(
    detour: Callable[..., Asking], tls_upstream: Upstream, upstream: Upstream, authority: Authority
) -> None:
    tls_upstream.ignore()
    began = time.monotonic()
    assert detour(tls_upstream, upstream, first_byte=0.3, ca=authority.ca).chat().text == "Hello, world"
    assert took(began) < 4


def test_connections_that_nobody_accepts_are_passed_over(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    silent, good = upstreams(), upstreams()
    asking = detour(silent, good, first_byte=0.3)
    silent.ignore()
    assert asking.chat().text == "Hello, world"


def test_when_all_fail_each_is_named(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(429))
    second.always(status(503))
    heard = detour(first, second).chat()
    assert heard.status == 503
    assert all(name in heard.error["message"] for name in ("up0", "up1", "upstream says 429"))


def test_six_upstreams_are_not_all_tried(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    places = [upstreams() for _ in range(6)]
    for place in places:
        place.always(status(401))
    detour(*places).chat()
    assert [len(place.requests) for place in places] == [1, 1, 1, 1, 1, 0]
