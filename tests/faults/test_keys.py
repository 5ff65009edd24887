"""A key goes to its own upstream and nowhere else; nothing of the client goes along that was not meant to."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.client import Asking
from upstream import Upstream, html, redirect, reset_before_headers, status, stream

if TYPE_CHECKING:
    from conftest import Serving


def test_each_request_carries_its_upstream_s_key(
    detour: Callable[..., Asking], upstream: Upstream, key: str
) -> None:
    detour(upstream).chat()
    assert upstream.requests[0].header("authorization") == f"Bearer {key}"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], key: str, code: int
) -> None:
    first, elsewhere = upstreams(), upstreams()
    first.always(redirect(f"{elsewhere.url}/chat/completions", code))
    heard = detour(first).chat()
    assert (heard.status, heard.error["code"]) == (502, "bad_upstream_response")
    assert (elsewhere.requests, key in heard, "location" in heard.headers) == ([], False, False)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 503])
def test_a_key_that_the_upstream_repeats_is_not_passed_on(
    detour: Callable[..., Asking], upstream: Upstream, key: str, code: int
) -> None:
    upstream.always(status(code, {"error": {"message": f"{key} is a bad key", "code": key, "param": key}}))
    heard = detour(upstream).chat()
    assert "bad key" in heard.error["message"]
    assert key not in heard


def test_a_key_that_is_repeated_in_html_or_a_header_is_not_passed_on(
    detour: Callable[..., Asking], upstream: Upstream, key: str
) -> None:
    upstream.always(html(f"<h1>Bad key {key}</h1>").saying(x_key=key, set_cookie=f"key={key}"))
    assert key not in detour(upstream).chat()


def test_a_key_that_is_repeated_in_an_error_event_is_not_passed_on(
    detour: Callable[..., Asking], upstream: Upstream, key: str
) -> None:
    broken = f'data: {{"error": {{"message": "bad key {key}", "code": "{key}"}}}}\n\n'.encode()
    upstream.then(stream("a").then_sends(1, broken), stream("a").then_sends(1, broken))
    asking, gate = detour(upstream), threading.Event()
    assert key not in asking.chat()
    upstream.then(stream("a").then_sends(2, broken).held_after(2, gate))
    heard = asking.chat(gate=gate)
    assert (heard.text, "bad key" in heard, key in heard) == ("a", True, False)


def test_keys_are_in_no_line_of_the_log(
    detour: Callable[..., Asking], upstream: Upstream, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [status(401), status(500, {"error": key}), reset_before_headers(), stream("a").reset_after(2)]
    upstream.then(*answers)
    asking = detour(upstream)
    for _ in range(4):
        asking.chat()
    assert caplog.records
    assert not any(word in caplog.text for word in (key, "sk-typed-in-the-ide"))


def test_a_missing_key_names_the_variable(
    serving: Callable[[Path], "Serving"], profile_file: Callable[..., Path], upstream: Upstream
) -> None:
    profile = f"upstreams: {{up: {{url: {upstream.url}, key: $NOT_SET_KEY}}}}\nmodels: {{m: up/model}}"
    heard = Asking(serving(profile_file(profile)).url).chat()
    assert (heard.status, heard.error["code"]) == (401, "upstream_key_missing")
    assert "NOT_SET_KEY" in heard.error["message"]
    assert upstream.requests == []


def test_nothing_of_the_client_s_headers_goes_along(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    mine = {
        "cookie": "session=mine",
        "x-api-key": "sk-mine",
        "x-forwarded-for": "127.0.0.1",
        "proxy-authorization": "Basic bWluZQ==",
        "te": "trailers",
        "connection": "keep-alive, x-mine",
        "x-mine": "mine",
        "authorization": "Bearer sk-mine",
        "user-agent": "mine/1.0",
        "accept-language": "mine",
        "openai-organization": "org-mine",
    }
    body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
    detour(upstream).send(body, mine)
    names = {name for name, _ in upstream.requests[0].headers}
    assert names == {
        *("host", "content-type", "content-length", "accept", "accept-encoding"),
        *("authorization", "user-agent", "via"),
    }
    assert not any("mine" in value for _, value in upstream.requests[0].headers)


def test_cookies_of_an_upstream_are_not_kept(detour: Callable[..., Asking], upstream: Upstream) -> None:
    upstream.always(stream("x").saying(set_cookie="session=theirs"))
    asking = detour(upstream)
    asking.chat()
    heard = asking.chat()
    assert ("set-cookie" in heard.headers, upstream.requests[1].header("cookie")) == (False, None)


def test_a_proxy_variable_is_not_obeyed(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's proxy may be ourselves."""
    proxy, good = upstreams(), upstreams()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.origin)
    assert detour(good).chat().text == "Hello, world"
    assert proxy.requests == []
