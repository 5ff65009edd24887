"""What an upstream refuses is left out, and the client hears nothing of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.asking import Ask, Asked, pipelining
from idetour.gateway import remedy
from idetour.profile import Profile
from upstream import Upstream, objecting, raw_stream, reply, status, stream


def refusing(*fields: str) -> Callable[[Any], str | None]:
    """An upstream that names one field at a time."""
    return lambda body: next((f"Unknown parameter: '{name}'." for name in fields if name in body), None)


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
def test_a_field_that_is_refused_is_left_out_and_the_client_sees_nothing(
    ask: Ask, upstream: Upstream, streams: bool
) -> None:
    upstream.always(objecting(refusing("seed")))
    asked = ask(upstream.url, stream=streams, fields={"seed": 7}).run()
    assert (asked.client.status, asked.record.outcome, b"good" in asked.client.heard) == (200, "ok", True)
    assert ["seed" in request.json() for request in upstream.requests] == [True, False]
    assert asked.client.headers["x-idetour-changed"] == "seed dropped"
    assert asked.record.changed == ["seed dropped"]
    assert "seed dropped" in asked.record.line()


def test_it_is_not_sent_again_to_that_target(ask: Ask, upstream: Upstream) -> None:
    upstream.always(objecting(refusing("seed")))
    asked = ask(upstream.url, fields={"seed": 7})

    async def run() -> None:
        async with pipelining() as shared:
            for _ in range(2):
                await Asked(asked.profile, fields=asked.fields).through(shared)

    asyncio.run(run())
    assert ["seed" in request.json() for request in upstream.requests] == [True, False, False]


def test_an_error_inside_a_good_status_is_as_good(ask: Ask, upstream: Upstream) -> None:
    error = {"error": {"message": "Unknown parameter: 'seed'.", "type": "invalid_request_error"}}
    upstream.then(raw_stream(f"data: {json.dumps(error)}\n\n".encode()), stream("good"))
    assert ask(upstream.url, fields={"seed": 7}).run().client.status == 200
    assert ["seed" in request.json() for request in upstream.requests] == [True, False]


def test_so_many_rounds_and_then_the_error_goes_on(ask: Ask, upstream: Upstream) -> None:
    names = [f"odd_{number}" for number in range(remedy.MOST_ROUNDS + 1)]
    upstream.always(objecting(refusing(*names)))
    asked = ask(upstream.url, fields=dict.fromkeys(names, 1)).run()
    assert (asked.client.status, len(upstream.requests)) == (400, remedy.MOST_ROUNDS + 1)
    assert names[-1] in asked.client.error["message"]


def test_the_next_request_goes_on_where_this_one_ended(ask: Ask, upstream: Upstream) -> None:
    names = [f"odd_{number}" for number in range(remedy.MOST_ROUNDS + 1)]
    upstream.always(objecting(refusing(*names)))
    asked = ask(upstream.url, fields=dict.fromkeys(names, 1))

    async def run() -> list[int]:
        async with pipelining() as shared:
            both = [Asked(asked.profile, fields=asked.fields) for _ in range(2)]
            for each in both:
                await each.through(shared)
            return [each.client.status for each in both]

    assert asyncio.run(run()) == [400, 200]


def test_what_does_not_help_is_tried_once_and_forgotten(ask: Ask, upstream: Upstream) -> None:
    upstream.always(objecting(lambda _: "Unknown parameter: 'seed'."))  # whatever it is sent
    asked = ask(upstream.url, fields={"seed": 7})

    async def run() -> int:
        async with pipelining() as shared:
            await asked.through(shared)
            return len(shared.quirks.rows())

    assert asyncio.run(run()) == 0
    assert (asked.client.status, len(upstream.requests)) == (400, 2)


def test_each_round_has_to_change_another_field(ask: Ask, upstream: Upstream) -> None:
    """One that lowers its limit each time would be asked for ever."""
    upstream.always(objecting(lambda body: f"max_tokens may be at most {body['max_tokens'] - 1}"))
    asked = ask(upstream.url, fields={"max_tokens": 100}).run()
    assert (asked.client.status, len(upstream.requests)) == (400, 2)


def test_a_wrong_request_is_still_told_to_the_client(ask: Ask, upstream: Upstream) -> None:
    upstream.always(status(400, {"error": {"message": "messages must alternate", "param": "messages"}}))
    asked = ask(upstream.url).run()
    assert (asked.client.status, len(upstream.requests)) == (400, 1)


@pytest.mark.parametrize("code", [401, 404, 429, 500])
def test_other_failures_teach_nothing(ask: Ask, upstream: Upstream, code: int) -> None:
    upstream.always(status(code, {"error": {"message": "Unknown parameter: 'seed'.", "param": "seed"}}))
    ask(upstream.url, fields={"seed": 7}).run()
    assert all("seed" in request.json() for request in upstream.requests)


def test_the_fallback_learns_for_itself(ask: Ask, upstreams: Callable[..., Upstream]) -> None:
    first, second = upstreams(), upstreams()
    first.always(objecting(refusing("seed"), status(503)))
    second.always(objecting(refusing("n")))
    asked = ask(first.url, second.url, fields={"seed": 7, "n": 1}).run()
    assert asked.client.status == 200
    assert asked.record.changed == ["n dropped"]
    assert second.requests[-1].json()["seed"] == 7


def test_a_model_that_only_streams_is_asked_so(ask: Ask, upstream: Upstream) -> None:
    upstream.always(objecting(lambda body: None if body["stream"] else "This model only support stream mode"))
    asked = ask(upstream.url, stream=False).run()
    assert (asked.client.status, asked.record.changed) == (200, ["asked as a stream"])
    assert json.loads(asked.client.heard)["choices"][0]["message"]["content"] == "good"


def test_the_limit_that_is_said_is_kept(ask: Ask, upstream: Upstream) -> None:
    upstream.always(
        objecting(
            lambda body: "Range of max_tokens should be [1, 8192]" if body["max_tokens"] > 8192 else None
        )
    )
    asked = ask(upstream.url, fields={"max_tokens": 99999}).run()
    assert (asked.client.status, upstream.requests[-1].json()["max_tokens"]) == (200, 8192)


def test_a_path_that_the_profile_drops_is_not_sent(
    profiles: Callable[..., Profile], upstream: Upstream
) -> None:
    upstream.always(reply("good"))
    profile = profiles(
        f"upstreams: {{up: {{url: '{upstream.url}'}}}}\nmodels: {{m: {{to: up/x, drop: [messages.name, seed]}}}}"
    )
    Asked(profile, fields={"seed": 7, "messages": [{"role": "user", "name": "bob", "content": "hi"}]}).run()
    assert upstream.requests[0].json()["messages"] == [{"role": "user", "content": "hi"}]
    assert "seed" not in upstream.requests[0].json()
