"""Live events: nobody misses any unknowingly, and nobody who is slow holds up the others."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from idetour.gateway import news as module
from idetour.gateway.news import Full, News


def ran[T](job: Callable[[News], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(job(News()))


def test_each_listener_hears_all_events_in_their_order() -> None:
    async def job(news: News) -> list[list[Any]]:
        with news.listening() as one, news.listening() as other:
            for number in range(3):
                news.publish("request", {"n": number})
            return [[await each.next(1) for _ in range(3)] for each in (one, other)]

    first, second = ran(job)
    assert first == second
    assert [msgspec.json.decode(item.data) for item in first] == [
        {"type": "request", "n": n} for n in range(3)
    ]


def test_silence_is_told_too() -> None:
    async def job(news: News) -> object:
        with news.listening() as listener:
            return await listener.next(0.01)

    assert ran(job) is None


def left(news: News) -> int:
    """Somebody listened. The number of the last event that they heard of."""
    with news.listening():
        return news.number


def test_who_comes_back_gets_what_was_missed() -> None:
    news = News()
    last = left(news)
    for number in range(5):
        news.publish("log", {"n": number})

    items, gap = news.missed(news.id(last + 3))
    assert ([item.number for item in items], gap) == ([last + 4, last + 5], False)
    assert news.missed(news.id(last + 5)) == ([], False)
    assert news.missed(None) == ([], False)


def test_while_nobody_listens_nothing_is_made() -> None:
    def made() -> object:
        raise AssertionError

    News().publish("log", made)


def test_who_comes_back_late_is_told_that_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_SECONDS", -1.0)
    news = News()
    last = left(news)
    news.publish("log", {})
    with news.listening():
        assert news.missed(news.id(last)) == ([], True)


@pytest.mark.parametrize("last", ["other-3", "", "x", "{boot}-9", "{boot}-x", "{boot}-²"])
def test_an_id_of_another_start_is_a_gap(last: str) -> None:
    news = News()
    news.publish("log", {})

    assert news.missed(last.format(boot=news.boot)) == ([], True)


def test_what_is_forgotten_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 200)
    news = News()
    last = left(news)
    for _ in range(20):
        news.publish("log", {"text": "x" * 30})
    items, gap = news.missed(news.id(last + 1))

    assert gap
    assert 0 < len(items) < 5
    assert items[-1].number == last + 20


def test_who_is_too_slow_is_late_and_the_others_are_not() -> None:
    async def job(news: News) -> tuple[bool, bool]:
        with news.listening() as slow, news.listening() as quick:
            for _ in range(module.MOST_BEHIND + 1):
                news.publish("log", {})
                await quick.next(1)
            return slow.late, quick.late

    assert ran(job) == (True, False)


def test_there_is_a_most_of_listeners_and_leaving_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LISTENERS", 1)

    async def job(news: News) -> None:
        with news.listening(), pytest.raises(Full), news.listening():
            pass
        with news.listening():
            pass

    ran(job)


def test_an_event_is_an_object() -> None:
    news = News()
    left(news)
    with pytest.raises(TypeError):
        news.publish("log", ["no object"])
