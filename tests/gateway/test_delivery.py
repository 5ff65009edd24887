"""What the client hears, and when: the hold, the comments, the one end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.asking import Ask, pipelining
from idetour.gateway import attempt, delivery
from idetour.upstreams import demo
from upstream import Answer, Upstream, event, raw_stream, status, stream, until

ERROR = event({"error": {"message": "sk-canary-0123456789 is busy", "code": 503}})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "KEEP_ALIVE_SECONDS", 0.02)


def slow(answer: Answer) -> Answer:
    return replace(answer, wait=0.2)


def test_a_stream_ends_once_and_well(ask: Ask, upstream: Upstream) -> None:
    client = ask(upstream.url).run().client
    assert (client.status, client.ends, client.heard.count(b"data: [DONE]\n\n")) == (200, 1, 1)
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert client.heard.endswith(b"data: [DONE]\n\n")


@pytest.mark.usefixtures("quick")
def test_a_late_answer_begins_with_comments(ask: Ask, upstream: Upstream) -> None:
    upstream.always(slow(stream("late")))
    client = ask(upstream.url).run().client
    comments, _, answer = client.heard.partition(b"data:")
    assert set(comments.split(b"\n\n")) == {b": keep-alive", b""}
    assert comments.count(b": keep-alive") > 1
    assert (client.status, answer.endswith(b"[DONE]\n\n"), client.ends) == (200, True, 1)


@pytest.mark.usefixtures("quick")
def test_a_late_failure_is_an_event_and_nothing_follows(ask: Ask, upstream: Upstream) -> None:
    upstream.always(slow(status(429)))
    asked = ask(upstream.url).run()
    assert (asked.client.status, asked.client.error["code"]) == (200, "rate_limit_exceeded")
    assert (b"[DONE]" in asked.client.heard, asked.client.ends) == (False, 1)
    assert asked.record.outcome == "failed"


@pytest.mark.usefixtures("quick")
def test_a_late_answer_may_be_anothers(ask: Ask, upstreams: Callable[..., Upstream]) -> None:
    first, second = upstreams(), upstreams()
    first.always(slow(status(503)))
    client = ask(first.url, second.url).run().client
    assert (client.status, client.heard.endswith(b"[DONE]\n\n"), client.ends) == (200, True, 1)


@pytest.mark.usefixtures("quick")
def test_a_comment_never_cuts_an_event(ask: Ask, upstream: Upstream) -> None:
    half = b'data: {"choices":[{"index":0,"delta":{"content":"whole"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    begin = event({"choices": [{"index": 0, "delta": {"content": "a"}}]})
    upstream.always(raw_stream(begin, half[:20], half[20:30], half[30:]).paced(0.08))
    blocks = ask(upstream.url).run().client.heard.strip().split(b"\n\n")
    assert b": keep-alive" in blocks
    rest = [block for block in blocks if block != b": keep-alive"]
    assert (len(rest), rest[-1], b'"whole"' in rest[1]) == (3, b"data: [DONE]", True)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (stream("Hel", "lo").then_sends(2, ERROR), "overloaded"),
        (stream("Hel", "lo").reset_after(2), "upstream_broken"),
        (stream("Hel", "lo").fin_after(2), "upstream_broken"),
        (stream("Hel", "lo").ends_after(2), "upstream_truncated"),
    ],
    ids=["an error event", "reset", "closed", "no finish"],
)
def test_what_breaks_off_ends_with_an_error_and_looks_unfinished(
    ask: Ask, upstream: Upstream, broken: Answer, code: str
) -> None:
    upstream.always(broken.paced(0.03))
    key = "sk-canary-0123456789"
    asked = ask(upstream.url, keys="$KEY", env={"KEY": key}).run()
    assert (asked.client.error["code"], asked.client.ends) == (code, 1)
    assert b"[DONE]" not in asked.client.heard
    assert b'"finish_reason":"' not in asked.client.heard
    assert (asked.record.outcome, b"Hel" in asked.client.heard) == ("broken", True)
    assert key not in f"{asked.client.heard!r} {asked.record.line()}"


@pytest.mark.usefixtures("quick")
def test_silence_in_the_middle_is_a_broken_answer(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "IDLE_SECONDS", 0.1)
    upstream.always(stream("Hel", "lo").stall_after(2))
    asked = ask(upstream.url).run()
    assert (asked.client.error["code"], asked.record.outcome) == ("upstream_broken", "broken")
    assert until(lambda: upstream.open == 0)


def test_the_end_does_not_wait_for_an_upstream_that_does_not_close(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "DRAIN_SECONDS", 0.1)
    caplog.set_level(logging.INFO, "idetour")
    upstream.always(stream("x").edited(lambda steps: [*steps, 5.0]))
    asked = ask(upstream.url).run()
    assert (asked.record.outcome, asked.client.ends) == ("ok", 1)
    assert [record.getMessage() for record in caplog.records] == [asked.record.line()]


def test_a_connection_is_used_again_after_a_stream(ask: Ask, upstream: Upstream) -> None:
    asked = [ask(upstream.url), ask(upstream.url), ask(upstream.url, stream=False)]

    async def run() -> None:
        async with pipelining() as shared:
            for each in asked:
                await each.through(shared)

    asyncio.run(run())
    assert ([each.client.status for each in asked], upstream.accepted) == ([200, 200, 200], 1)


@pytest.mark.usefixtures("quick")
def test_a_client_that_cannot_be_written_to_ends_the_upstreams_request(
    ask: Ask, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.always(stream("x").stall_after(0))
    asked = ask(upstream.url)

    async def run() -> None:
        async with pipelining() as shared:
            monkeypatch.setattr(asked.client, "start", None)  # a fault of our own
            with pytest.raises(TypeError):
                await asked.through(shared)
            assert until(lambda: upstream.open == 0)
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())


def test_an_answer_that_nobody_wants_any_more_is_closed() -> None:
    incoming = demo.Script({"model": "hello"}, (demo.Step({"content": "x"}, 0),))

    async def find() -> attempt.Answer:
        return attempt.Answer(b"", incoming)

    async def run() -> bytes:
        task = asyncio.create_task(find())
        await task
        delivery.discard(task)
        return await incoming.read()

    assert asyncio.run(run()) == b""
