"""What becomes of each request: told live, kept at its end, counted; and never in the way of an answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.asking import Asked, pipelining
from idetour.gateway.chronicle import Chronicle, Listening, begun
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.scrub import LEFT_OUT
from idetour.profile import Profile
from idetour.secret import Secret
from idetour.usage import requests
from idetour.usage.prices import Prices
from idetour.usage.requests import Wanted, page
from idetour.usage.row import Entry
from idetour.usage.store import Store
from upstream import Upstream, status, stream

KEY = "canary-99af31c07d"


@pytest.fixture
def two(profiles: Callable[..., Profile], upstream: Upstream) -> Profile:
    return profiles(
        f"upstreams: {{up: {{url: '{upstream.url}', key: $K}}}}\nroutes: {{m: [{{use: up/a, else: up/b}}]}}",
        K=KEY,
    )


def followed(
    asked: Asked, *, until: Callable[[Asked], bool] | None = None, **how: Any
) -> tuple[list[dict[str, Any]], Entry]:
    """The events that were told of a request, and what was kept of it."""

    async def run() -> tuple[list[dict[str, Any]], Entry]:
        async with pipelining() as pipeline:
            store = Store()
            pipeline.chronicle = Chronicle(store, **how)
            with pipeline.chronicle.news.listening() as listener:
                await (asked.leaving(pipeline, lambda: until(asked)) if until else asked.through(pipeline))
                events = []
                while item := await listener.next(0.05):
                    events.append(json.loads(item.data))
            [row], _ = await store.read(page(Wanted()))
            entry = await store.read(requests.entry(row.id))
            await asyncio.to_thread(pipeline.chronicle.close)
            assert entry
            return events, entry

    return asyncio.run(run())


def test_each_stage_is_told_and_the_end_is_kept(two: Profile, upstream: Upstream) -> None:
    upstream.then(status(429, retry_after="7"), asked="a")
    events, entry = followed(Asked(two, headers={"user-agent": "Trae/3.3"}))
    row, (first, second) = entry.row, entry.attempts

    assert [each["stage"] for each in events] == ["began", "attempt", "committed", "ended"]
    assert {each["id"] for each in events} == {row.id}
    assert (row.client, row.target, row.outcome, row.tries, row.counted) == (
        "Trae",
        "up/b",
        "ok",
        2,
        "reported",
    )
    assert (row.tokens.prompt, row.tokens.completion) == (9, 3) if row.tokens else False
    assert (first.target, first.outcome, first.status, first.rest) == ("up/a", "failed", 429, 7)
    assert (second.target, second.outcome, second.status, second.error) == ("up/b", "answered", 200, None)
    assert first.error
    assert 0 <= first.began <= first.ended <= second.began <= second.ended <= (row.total or 0)
    assert first.key == second.key == row.key == "…c07d"


def test_a_request_that_nobody_answers_is_kept_with_the_reason(two: Profile, upstream: Upstream) -> None:
    upstream.always(status(400, {"error": {"message": "too odd"}}))
    _, entry = followed(Asked(two))

    assert (entry.row.outcome, entry.row.status, entry.row.target, entry.row.tokens) == (
        "failed",
        400,
        None,
        None,
    )
    assert "too odd" in (entry.row.error or "")


def test_a_missing_key_is_an_attempt_that_was_skipped(profiles: Callable[..., Profile]) -> None:
    profile = profiles("upstreams: {up: {url: 'http://127.0.0.1:1', key: $NONE}}\nmodels: {m: up/a}")
    _, entry = followed(Asked(profile))

    assert [(each.outcome, each.status) for each in entry.attempts] == [("skipped", None)]
    assert "NONE" in (entry.attempts[0].error or "")


def test_what_nobody_counted_is_estimated_where_the_client_leaves(two: Profile, upstream: Upstream) -> None:
    said = ["word " * 20] * 10
    upstream.always(stream(*said).stall_after(11))
    _, entry = followed(Asked(two), until=lambda asked: asked.client.heard.count(b"word") >= 200)

    assert (entry.row.outcome, entry.row.counted) == ("left", "estimate")
    assert entry.row.tokens
    assert 100 < entry.row.tokens.completion < 400
    assert entry.row.tokens.prompt == entry.row.estimate


def test_a_price_makes_a_cost(two: Profile, profiles: Callable[..., Profile]) -> None:
    from idetour.profile.prices import Price, Tier

    price = Price(currency="USD", source="", tiers=(Tier(input=1e6, output=1e6),))
    _, entry = followed(Asked(two), prices=Prices({"up/a": price}))

    assert (entry.row.cost, entry.row.currency) == (12.0, "USD")


def test_what_is_said_is_kept_on_demand_alone_and_without_keys(two: Profile) -> None:
    secret = "sk-abcdefghijklmnopqrstuvwxyz012345"
    said = {"messages": [{"role": "user", "content": f"my key is {secret} and {KEY}"}]}
    _, without = followed(Asked(two, fields=said))
    _, kept = followed(Asked(two, fields=said), keep_bodies=True, keys=lambda: [Secret(KEY)])

    assert without.bodies is None
    assert kept.bodies
    assert json.loads(kept.bodies.request)["messages"][0]["content"].startswith("my key is [key removed]")
    assert "Hello" in kept.bodies.answer
    assert not any(each in f"{kept}{without}" for each in (secret, KEY))


def test_the_client_hears_the_same_whether_it_is_kept_or_not(two: Profile) -> None:
    plain, kept = Asked(two, stream=False), Asked(two, stream=False)
    followed(plain)
    followed(kept, keep_bodies=True)

    assert [json.loads(each.client.heard)["choices"] for each in (plain, kept)] == [
        json.loads(plain.client.heard)["choices"]
    ] * 2


def test_what_is_kept_has_an_end(two: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idetour.gateway.chronicle.REQUEST_BYTES", 50)
    monkeypatch.setattr("idetour.gateway.chronicle.ANSWER_BYTES", 60)
    _, entry = followed(Asked(two), keep_bodies=True)

    assert entry.bodies
    assert (0 < len(entry.bodies.request) <= 50, 0 < len(entry.bodies.answer) <= 60) == (True, True)
    assert entry.bodies.cut


def test_without_a_store_it_is_told_and_counted_all_the_same(two: Profile) -> None:
    async def run() -> Pipeline:
        async with pipelining() as pipeline:
            with pipeline.chronicle.news.listening() as listener:
                await Asked(two).through(pipeline)
                assert await listener.next(0) is not None
            return pipeline

    chronicle = asyncio.run(run()).chronicle
    assert 'idetour_requests_total{client="",outcome="ok",protocol="chat"} 1' in chronicle.metrics.text()


def test_a_store_that_cannot_write_costs_no_answer(two: Profile) -> None:
    async def run() -> Asked:
        asked = Asked(two)
        async with pipelining() as pipeline:
            store = Store()
            await store.read(lambda database: database.execute("DROP TABLE requests"))
            pipeline.chronicle = Chronicle(store)
            await asked.through(pipeline)
            await asyncio.to_thread(store.close)
            assert store.dropped == 1
        return asked

    assert asyncio.run(run()).client.heard.endswith(b"data: [DONE]\n\n")


def test_what_is_cut_ends_with_a_word_and_an_answer_that_spells_a_key_is_not_kept(two: Profile) -> None:
    assert begun(b'{"a": "half-a-ke', cut=True) == '{"a": "'
    assert begun(b"half-a-ke", cut=True) == ""
    assert begun(b"a whole", cut=False) == "a whole"
    heard = Listening(Asked(two).client, {})
    heard._heard += f'{{"content":"{KEY[:9]}"}}\n{{"content":"{KEY[9:]}"}}'.encode()
    assert heard.bodies([Secret(KEY)]).answer == LEFT_OUT
