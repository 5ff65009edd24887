"""Who is asked, in which order, with which key, and what the client hears when nobody answers."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.asking import Ask, Asked
from idetour.gateway import pipeline
from idetour.gateway.pipeline import Pipeline
from idetour.profile import Profile
from idetour.secret import Secret
from idetour.upstreams import Transports
from idetour.upstreams.transport import Pool
from upstream import Upstream, reset_before_headers, stall_before_headers, status, stream, until


def test_an_answer_is_told_with_its_request_target_and_attempts(ask: Ask, upstream: Upstream) -> None:
    asked = ask(upstream.url).run()
    marks = {name: value for name, value in asked.client.headers.items() if name.startswith("x-")}
    assert marks == {
        "x-accel-buffering": "no",
        "x-idetour-request-id": asked.record.id,
        "x-idetour-target": "u0/x",
        "x-idetour-attempts": "1",
    }


def test_a_whole_answer_has_its_length(ask: Ask, upstream: Upstream) -> None:
    client = ask(upstream.url, stream=False).run().client
    assert client.headers["content-length"] == str(len(client.heard))
    assert (client.status, client.ends, b"Hello, world" in client.heard) == (200, 1, True)


def test_what_may_have_passed_is_tried_once_more(ask: Ask, upstream: Upstream) -> None:
    upstream.then(reset_before_headers(), stream("good"))
    asked = ask(upstream.url).run()
    assert (asked.client.status, len(upstream.requests)) == (200, 2)
    assert [each.ended for each in asked.record.tried] == ["502 upstream_broken", "answered"]


def test_and_only_once(ask: Ask, upstream: Upstream) -> None:
    upstream.always(status(500))
    assert (ask(upstream.url).run().client.status, len(upstream.requests)) == (502, 2)


def test_a_wrong_request_is_asked_of_nobody_else(ask: Ask, upstreams: Callable[..., Upstream]) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(400))
    asked = ask(first.url, second.url).run()
    assert (asked.client.status, len(first.requests), len(second.requests)) == (400, 1, 0)


def test_a_loop_is_asked_once_and_of_nobody_else(ask: Ask, upstreams: Callable[..., Upstream]) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(508))
    asked = ask(first.url, second.url).run()
    assert (asked.client.status, len(first.requests), len(second.requests)) == (508, 1, 0)


def test_every_key_of_an_upstream_is_tried_when_one_is_refused(ask: Ask, upstream: Upstream) -> None:
    upstream.then(status(401), status(429), stream("good"))
    asked = ask(upstream.url, keys="$KEYS", env={"KEYS": "one,two,three"}).run()
    assert asked.client.status == 200
    sent = [request.header("authorization") for request in upstream.requests]
    assert sorted(map(str, sent)) == ["Bearer one", "Bearer three", "Bearer two"]


def test_a_model_that_one_key_cannot_have_is_asked_for_with_the_others(ask: Ask, upstream: Upstream) -> None:
    upstream.then(status(404), stream("good"))
    asked = ask(upstream.url, keys="$KEYS", env={"KEYS": "one,two,three"}).run()
    assert (asked.client.status, len(upstream.requests)) == (200, 2)


def test_a_model_that_is_busy_is_not_asked_for_with_another_key(ask: Ask, upstream: Upstream) -> None:
    upstream.always(
        status(503, {"error": {"message": "ResourceExhausted: Worker local total request limit"}})
    )
    asked = ask(upstream.url, keys="$KEYS", env={"KEYS": "one,two,three"}).run()
    assert (asked.client.status, len(upstream.requests)) == (503, 1)


def test_all_who_failed_are_named_and_the_sdk_is_told_not_to_try_again(
    ask: Ask, upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    first.always(status(429))
    second.always(status(503))
    client = ask(first.url, second.url).run().client
    assert (client.status, client.headers["x-should-retry"]) == (503, "false")
    assert "All 2 attempts failed. u0 (u0/x): upstream says 429 u1 (u1/x): upstream says 503" in str(
        client.error
    )


def test_a_missing_key_names_the_variable(ask: Ask, upstream: Upstream) -> None:
    asked = ask(upstream.url, keys="$NOT_THERE").run()
    assert (asked.client.status, asked.client.error["code"]) == (401, "upstream_key_missing")
    assert "set NOT_THERE in the environment" in asked.client.error["message"]
    assert upstream.requests == []


def test_whoever_typed_a_key_learns_how_it_would_be_sent_on(ask: Ask, upstream: Upstream) -> None:
    asked = ask(upstream.url, keys="$NOT_THERE", key=Secret("nvapi-typed-into-the-ide-1234"))
    assert (
        "The key …1234 that came along is sent on if the profile says `upstreams: { u0: { key: client } }`"
        in (asked.run().client.error["message"])
    )


def test_a_missing_key_does_not_hide_why_the_others_failed(
    profiles: Callable[..., Profile], upstream: Upstream
) -> None:
    upstream.always(status(429))
    profile = profiles(
        f"upstreams: {{a: {{url: '{upstream.url}'}}, b: {{url: '{upstream.url}', key: $NOT_THERE}}}}\n"
        "routes: {m: [{use: a/x, else: [b/x]}]}"
    )
    client = Asked(profile).run().client
    assert (client.status, client.error["code"]) == (429, "rate_limit_exceeded")
    assert "NOT_THERE" in client.error["message"]


def test_the_clients_own_key_is_sent_where_the_profile_says_so(ask: Ask, upstream: Upstream) -> None:
    ask(upstream.url, keys="client", key=Secret("typed")).run()
    assert [request.header("authorization") for request in upstream.requests] == ["Bearer typed"]
    without = ask(upstream.url, keys="client").run()
    assert (without.client.status, len(upstream.requests)) == (401, 1)


def test_a_name_that_nobody_knows_is_a_404_and_is_recorded(ask: Ask, upstream: Upstream) -> None:
    asked = ask(upstream.url, model="nope").run()
    assert (asked.client.status, asked.client.error["code"]) == (404, "model_not_found")
    assert (asked.record.outcome, asked.record.status) == ("failed", 404)


def test_an_answer_that_never_comes_whole_is_given_up(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "WHOLE_SECONDS", 0.1)
    upstream.always(stall_before_headers())
    asked = ask(upstream.url, stream=False).run()
    assert (asked.client.status, asked.client.error["code"]) == (504, "upstream_timeout")
    assert until(lambda: upstream.open == 0)


def test_a_fault_of_our_own_is_recorded_and_not_swallowed(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(upstream.url)
    monkeypatch.setattr(asked.client, "write", None)
    with pytest.raises(TypeError):
        asked.run()
    assert (asked.record.outcome, asked.record.status) == ("failed", 500)


def test_records_are_kept_in_a_bounded_number(ask: Ask, upstream: Upstream) -> None:
    asked = ask(upstream.url, model="nope")

    async def run() -> int:
        shared = Pipeline(Transports(Pool()))
        for _ in range(pipeline.RECENT + 10):
            await Asked(asked.profile, model="nope").through(shared)
        return len(shared.recent)

    assert asyncio.run(run()) == pipeline.RECENT
