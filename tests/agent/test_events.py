"""Events on their way to viewers: every one once, in order."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from idetour.agent.events import PAGE, Feed, Watched, line
from idetour.agent.layout import Layout
from idetour.agent.store import END, Event, Order, Spec, Store


@pytest.fixture
def store(layout: Layout) -> Iterator[Store]:
    with closing(layout.store()) as store:
        store.submit(Order(id="t", spec=Spec(task="x", working_dir="/w")), most=9)
        yield store


def test_an_event_on_the_wire_is_one_line_of_data() -> None:
    event = Event(7, 1.0, "log", {"message": "two\nlines\r\u2028é"})

    assert line(event, "t").startswith(b'id: 7\ndata: {"message":"two\\nlines\\r')
    assert line(event, "t").count(b"\n") == 3
    assert line(event, "t", named=True).startswith(b"id: 7\nevent: log\ndata: ")


def followed(store: Store, layout: Layout, said: list[int], *, late: int = 0) -> list[int]:
    """The numbers that a viewer gets who comes after `late` of the portions have been written."""

    async def view() -> list[int]:
        feed = Feed(store, layout.store)
        try:
            for size in said[:late]:
                store.append("t", [("x", {})] * size)

            async def follow() -> list[int]:
                return [event.seq async for event in feed.follow("t", 0) if event]

            viewer = asyncio.create_task(follow())
            for size in said[late:]:
                await asyncio.sleep(0.03)
                store.append("t", [("x", {})] * size)
            store.append("t", [(END, {})])
            return await asyncio.wait_for(viewer, 10)
        finally:
            await asyncio.to_thread(feed.close)

    return asyncio.run(view())


@pytest.mark.parametrize("late", [0, 2, 4])
def test_a_viewer_gets_every_event_once(store: Store, layout: Layout, late: int) -> None:
    sizes = [1, PAGE + 7, 3, 5 * PAGE]

    assert followed(store, layout, sizes, late=late) == [*range(1, sum(sizes) + 3)]


def test_who_fell_behind_what_is_kept_is_told_to_read_the_store() -> None:
    async def look() -> tuple[Any, ...]:
        watched = Watched()
        watched.add([Event(seq, 0, "x", {}) for seq in range(1, 5001)])
        return (
            watched.after(0),
            watched.after(2999),
            watched.after(3000),
            watched.after(5000),
            watched.after(6000),
        )

    gone, edge, kept, nothing, ahead = asyncio.run(look())
    assert (gone, edge) == (None, None)
    assert [event.seq for event in kept] == [*range(3001, 5001)]
    assert (nothing, ahead) == ([], [])


def test_what_comes_twice_is_taken_once() -> None:
    async def look() -> list[int]:
        watched = Watched()
        for _ in range(2):
            watched.add([Event(seq, 0, "x", {}) for seq in (1, 2)])
        return [event.seq for event in watched.recent]

    assert asyncio.run(look()) == [1, 2]


def test_silence_is_told_as_silence(store: Store, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idetour.agent.events.PING_SECONDS", 0.05)

    async def view() -> list[object]:
        feed = Feed(store, layout.store)
        try:
            found: list[object] = []
            async for event in feed.follow("t", 0):
                found.append(event and event.seq)
                if len(found) == 3:
                    break
            return found
        finally:
            await asyncio.to_thread(feed.close)

    assert asyncio.run(view()) == [1, None, None]


def test_who_leaves_is_forgotten(store: Store, layout: Layout) -> None:
    async def view() -> int:
        feed = Feed(store, layout.store)
        try:
            stream = feed.follow("t", 0)
            await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]
            return len(feed._tasks)
        finally:
            await asyncio.to_thread(feed.close)

    assert asyncio.run(view()) == 0
