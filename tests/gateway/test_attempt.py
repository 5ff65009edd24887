"""One try: what counts as an answer, and what is held back until it does."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from idetour.gateway import attempt
from idetour.gateway.attempt import Answer, Failed
from idetour.gateway.record import Record
from idetour.profile import Target
from idetour.profile import Upstream as Place
from idetour.routes.plan import Candidate
from idetour.upstreams import Transports
from idetour.upstreams.transport import Pool
from idetour.wire import chat
from upstream import Script, Upstream, event, html, raw_stream, status, stream, whole


def trying(upstream: Upstream, *, streaming: bool = True, **fields: Any) -> tuple[Answer, bytes]:
    """The answer, and what of it is held at the commit and after. Raises Failed."""

    async def run() -> tuple[Answer, bytes]:
        pool = Pool()
        try:
            answer = await asking(pool)
            answer.incoming.close()
            return answer, answer.held
        finally:
            await pool.close()

    def asking(pool: Pool) -> Coroutine[Any, Any, Answer]:
        place = Place(name="up", title="Up", url=upstream.url)
        body = {
            "model": "asked",
            "stream": streaming,
            "messages": [{"role": "user", "content": "hi"}],
            **fields,
        }
        request = chat.read(json.dumps(body).encode())
        candidate = Candidate(target=Target("up", "x"), upstream=place)
        record = Record(asked="asked", door="direct")
        return attempt.attempt(Transports(pool), request, candidate, key=None, record=record)

    return asyncio.run(run())


def test_an_answer_is_committed_by_its_first_content(upstream: Upstream) -> None:
    upstream.always(stream("Hel", "lo").stall_after(2))
    answer, held = trying(upstream)
    assert (b"Hel" in held, answer.relay is not None) == (True, True)


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"refusal": "no"},
        {"tool_calls": [{"index": 0, "function": {"name": "f"}}]},
    ],
    ids=["reasoning", "refusal", "tool call"],
)
def test_so_it_is_by_anything_that_a_model_says(upstream: Upstream, delta: dict[str, Any]) -> None:
    upstream.always(stream(delta, "more").stall_after(2))
    assert next(iter(delta)).encode() in trying(upstream)[1]


def test_an_answer_without_content_is_held_for_so_many_events(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "HELD_EVENTS", 5)
    empty = event({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})
    upstream.always(raw_stream(*[empty] * 6).stall_after(6))
    assert trying(upstream)[1].count(b"data: ") >= 5


def test_and_for_so_many_bytes(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "HELD_BYTES", 1000)
    padded = event({"choices": [{"index": 0, "delta": {"role": "assistant"}}], "pad": "x" * 600})
    upstream.always(raw_stream(*[padded] * 3).stall_after(3))
    assert len(trying(upstream)[1]) >= 1000


def test_content_and_an_error_in_one_piece_are_a_failure(upstream: Upstream) -> None:
    bad = event({"error": {"message": "no", "code": 503}})
    upstream.always(stream("Hel").then_sends(2, bad).joined())
    with pytest.raises(Failed, match="no") as caught:
        trying(upstream)
    assert caught.value.fault.elsewhere


def test_a_document_becomes_a_stream_for_who_asked_for_one(upstream: Upstream) -> None:
    upstream.always(whole("Hello"))
    answer, held = trying(upstream)
    assert (answer.relay, held.endswith(b"data: [DONE]\n\n"), b"Hello" in held) == (None, True, True)


def test_a_stream_becomes_a_document_for_who_asked_for_one(upstream: Upstream) -> None:
    upstream.always(stream("Hel", "lo"))
    answer, held = trying(upstream, streaming=False)
    said = json.loads(held)
    assert (said["model"], said["choices"][0]["message"]["content"]) == ("asked", "Hello")
    assert said["object"] == "chat.completion"
    assert answer.relay is None


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("bad", [html(), html(""), stream("x").ends_after(1)], ids=["html", "empty", "cut"])
def test_what_is_no_answer_is_a_failure(upstream: Upstream, bad: Script, streaming: bool) -> None:
    upstream.always(bad)
    with pytest.raises(Failed) as caught:
        trying(upstream, streaming=streaming)
    assert caught.value.fault.error.status == 502


def test_an_error_whose_page_breaks_off_is_still_that_error(upstream: Upstream) -> None:
    page = status(429, b"slow down" * 50).split(20).reset_after(2)
    upstream.always(replace(page, framing="chunked"))
    with pytest.raises(Failed, match="slow down") as caught:
        trying(upstream)
    assert caught.value.fault.error.code == "rate_limit_exceeded"


def test_an_error_page_is_read_only_so_far(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "ERROR_BYTES", 100)
    upstream.always(replace(html("x" * 101, code=500).stall_after(1), framing="chunked"))
    with pytest.raises(Failed, match="x" * 50):
        trying(upstream)


def test_a_document_larger_than_the_cap_is_a_failure(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt.whole, "__defaults__", (1000,))
    upstream.always(whole("x" * 2000))
    with pytest.raises(Failed, match="larger than"):
        trying(upstream, streaming=False)


def test_silence_before_the_first_content_is_a_failure(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "IDLE_SECONDS", 0.1)
    upstream.always(stream("x").stall_after(1))
    with pytest.raises(Failed, match="nothing came"):
        trying(upstream)


def test_an_id_and_a_time_are_ours_where_the_upstream_gives_none(
    upstream: Upstream, upstreams: Callable[..., Upstream]
) -> None:
    upstream.always(raw_stream(event({"choices": [{"index": 0, "delta": {"content": "x"}}]})).stall_after(1))
    said = json.loads(trying(upstream)[1].removeprefix(b"data: "))
    assert said["id"].startswith("chatcmpl-")
    assert 1_700_000_000 < said["created"] < 2**53
