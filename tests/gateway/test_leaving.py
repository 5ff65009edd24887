"""Clients that leave, or cannot wait, and what an attempt leaves behind: nothing."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.asking import Ask, Asked, pipelining
from upstream import Answer, Upstream, stall_before_headers, status, stream, until, whole


def test_a_client_in_a_hurry_is_told_and_nobody_is_blamed(
    ask: Ask, upstreams: Callable[..., Upstream]
) -> None:
    first, second = upstreams(), upstreams()
    for silent in (first, second):
        silent.always(stall_before_headers())
    asked = ask(first.url, second.url, headers={"x-idetour-deadline-ms": "100"})

    async def run() -> set[str]:
        async with pipelining() as shared:
            for _ in range(5):
                again = Asked(asked.profile, headers=asked.headers)
                await again.through(shared)
                assert again.client.error["code"] == "deadline_exceeded"
            return {each.state for each in shared.health.snapshot()}

    assert asyncio.run(run()) == {"healthy"}


def test_an_attempt_is_no_longer_in_flight_however_it_ended(ask: Ask, upstream: Upstream) -> None:
    upstream.then(stream("good"), status(500), status(400), stream("x", "y").reset_after(2))
    asked = ask(upstream.url)

    async def run() -> list[int]:
        async with pipelining() as shared:
            for streams in (True, True, False, True, True):
                await Asked(asked.profile, stream=streams).through(shared)
            upstream.always(stream("never").stall_after(1))
            await Asked(asked.profile).leaving(shared, lambda: len(upstream.requests) == 7)
            return [each.in_flight for each in shared.health.snapshot()]

    assert asyncio.run(run()) == [0]


@pytest.mark.parametrize("stream_", [True, False])
def test_who_leaves_while_the_upstream_is_silent_ends_the_upstreams_request(
    ask: Ask, upstream: Upstream, stream_: bool
) -> None:
    upstream.always(stall_before_headers())
    asked = ask(upstream.url, stream=stream_)

    async def run() -> None:
        async with pipelining() as shared:
            await asked.leaving(shared, lambda: upstream.requests)
            assert until(lambda: upstream.open == 0)

    asyncio.run(run())
    assert (asked.record.outcome, asked.client.started) == ("left", False)
    assert upstream.requests[0].aborted is not None


def test_who_leaves_before_the_first_content_ends_the_upstreams_request(ask: Ask, upstream: Upstream) -> None:
    upstream.always(stream("never").stall_after(1))
    asked = ask(upstream.url)

    async def run() -> None:
        async with pipelining() as shared:
            await asked.leaving(shared, lambda: upstream.requests)
            assert until(lambda: upstream.open == 0)

    asyncio.run(run())
    assert asked.record.outcome == "left"


def test_who_leaves_in_the_middle_ends_the_upstreams_request(ask: Ask, upstream: Upstream) -> None:
    upstream.always(stream("Hel", "lo").stall_after(2))
    asked = ask(upstream.url)

    async def run() -> None:
        async with pipelining() as shared:
            await asked.leaving(shared, lambda: b"Hel" in asked.client.heard)
            assert until(lambda: upstream.open == 0)

    asyncio.run(run())
    assert (asked.record.outcome, asked.client.ends) == ("left", 0)


def test_who_leaves_after_the_answer_has_ended_had_it_all(ask: Ask, upstream: Upstream) -> None:
    upstream.always(stream("all").edited(lambda steps: [*steps, 5.0]))  # says [DONE] and does not close
    asked = ask(upstream.url)

    async def run() -> None:
        async with pipelining() as shared:
            await asked.leaving(shared, lambda: asked.client.ends)
            assert until(lambda: upstream.open == 0)

    asyncio.run(run())
    assert (asked.record.outcome, asked.client.ends) == ("ok", 1)


@pytest.mark.parametrize(
    "bad",
    [
        status(500),
        whole({"no": "completion"}),
        stream("x").ends_after(1),
        stream("x").reset_after(1),
        stream("x").then_sends(1, b'data: {"error": {"message": "no"}}\n\n'),
    ],
    ids=["status", "no completion", "truncated", "reset", "error event"],
)
def test_no_connection_is_left_open_by_a_failure(
    ask: Ask, upstreams: Callable[..., Upstream], bad: Answer
) -> None:
    first, second = upstreams(), upstreams()
    first.always(bad)
    asked = ask(first.url, second.url)

    async def run() -> tuple[int, int]:
        async with pipelining() as shared:
            await asked.through(shared)
            session = shared.transports.pool._session
            assert session is not None
            assert session.connector is not None
            return len(session.connector._acquired), asked.client.ends

    assert asyncio.run(run()) == (0, 1)
    assert asked.record.outcome == "ok"
