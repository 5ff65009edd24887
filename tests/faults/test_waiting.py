"""Time that passes: who is waited for, paced, or gone for a moment, and a client that has no more of it."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faults.client import MESSAGES, Asking, took
from idetour.gateway import cooldown, search
from upstream import Answer, Request, Upstream, stall_before_headers, status, stream

if TYPE_CHECKING:
    from conftest import Serving

BODY = json.dumps({"model": "m", "messages": MESSAGES, "stream": True}).encode()


def test_a_sole_candidate_is_waited_for(
    detour: Callable[..., Asking], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE_SECONDS", 5)
    monkeypatch.setattr(cooldown, "LEAST_SECONDS", 0.1)
    upstream.then(status(429, retry_after_ms="200"), status(429, retry_after_ms="200"))
    heard = detour(upstream).chat()
    assert (heard.status, heard.text, len(upstream.requests)) == (200, "Hello, world", 3)
    waits = [
        later.when - sooner.when
        for sooner, later in zip(upstream.requests, upstream.requests[1:], strict=False)
    ]
    assert min(waits) >= 0.2


def test_who_refuses_for_long_is_not_waited_for(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(429, retry_after="50"))
    second.always(status(429, retry_after="40"))
    asking = detour(first, second)
    heard = [asking.chat(), asking.chat()]
    assert [each.status for each in heard] == [429, 429]
    assert all(38 <= int(each.headers["retry-after"]) <= 44 for each in heard)
    assert {each.headers["x-should-retry"] for each in heard} == {"false"}
    assert "up1 (up1/model) is left alone" in heard[1].error["message"]
    assert (len(first.requests), len(second.requests)) == (1, 1)


def test_a_hundred_requests_at_once_on_one_limited_key_are_all_answered(
    detour: Callable[..., Asking], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PATIENCE_SECONDS", 30)
    monkeypatch.setattr(cooldown, "LEAST_SECONDS", 0.3)
    monkeypatch.setattr(cooldown, "SPACING_SECONDS", 0.01)
    granted: list[float] = []

    def limited(request: Request) -> Answer:
        now = time.monotonic()
        if sum(now - when < 0.3 for when in granted) >= 20:
            return status(429, retry_after_ms="300")
        granted.append(now)
        return stream("Hello", ", world")

    upstream.always(limited)
    asking = detour(upstream, first_byte=20)
    with ThreadPoolExecutor(100) as pool:
        heard = [*pool.map(lambda _: asking.chat().text, range(100))]
    assert Counter(heard) == {"Hello, world": 100}
    assert len(upstream.requests) < 500  # those that wait do not ask in vain all the time


def test_a_paced_upstream_is_never_asked_more_often_than_it_allows(
    serving: Callable[[Path], "Serving"],
    profile_file: Callable[..., Path],
    upstreams: Callable[..., Upstream],
) -> None:
    paced, other = upstreams(), upstreams()
    profile = (
        f"upstreams: {{paced: {{url: {paced.url}, pace: 5}}, other: {{url: {other.url}}}}}\n"
        "routes: {m: [{use: paced/x, else: [other/x]}]}"
    )
    asking = Asking(serving(profile_file(profile)).url)
    assert {asking.chat().text for _ in range(12)} == {"Hello, world"}
    assert len(paced.requests) == 5


def test_no_request_is_lost_while_upstreams_flap(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    flapping, other, good = upstreams(), upstreams(), upstreams()
    asking, over = detour(flapping, other, good, first_byte=0.5), threading.Event()

    def flap(upstream: Upstream) -> None:
        while not over.wait(random.uniform(0.02, 0.1)):
            upstream.refuse()
            over.wait(0.05)
            upstream.accept()

    with ThreadPoolExecutor(8) as pool:
        flaps = [pool.submit(flap, each) for each in (flapping, other)]
        heard = [*pool.map(lambda _: asking.chat(stream=False).text, range(60))]
        over.set()
        for each in flaps:
            each.result()
    assert Counter(heard) == {"Hello, world": 60}


def test_the_client_hears_an_error_before_it_gives_up(
    detour: Callable[..., Asking], upstream: Upstream
) -> None:
    upstream.always(stall_before_headers())
    began = time.monotonic()
    heard = detour(upstream, first_byte=20).send(BODY, {"x-idetour-deadline-ms": "500"})
    assert (heard.status, heard.error["code"]) == (504, "deadline_exceeded")
    assert took(began) < 5


def test_a_silent_upstream_does_not_use_up_all_the_time_that_the_client_gives(
    detour: Callable[..., Asking], upstreams: Callable[..., Upstream]
) -> None:
    silent, good = upstreams(), upstreams()
    silent.always(stall_before_headers())
    heard = detour(silent, good, first_byte=20).send(BODY, {"x-stainless-timeout": "2"})
    assert heard.text == "Hello, world"
