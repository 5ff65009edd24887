"""What is told of an answer, event by event. The whole way, over HTTP: tests/compatibility/test_live.py."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from idetour.gateway.listener import Listener
from idetour.gateway.live import Live, ToldCollector, ToldRelay
from idetour.gateway.news import News
from idetour.gateway.replay import Replay
from idetour.profile import Target
from idetour.profile import Upstream as Place
from idetour.routes.plan import Candidate

PLACE = Candidate(target=Target("up", "x"), upstream=Place(name="up", title="Up", url="https://up.test"))
BEGIN = {"type": "begin", "request": "req_1", "model": "coder", "target": "up/x"}
OK = {"type": "end", "request": "req_1", "outcome": "ok"}


class Told:
    """A request that somebody listens to, and what was told of it since this was last asked."""

    def __init__(self) -> None:
        self.news = News()
        self.live = Live(self.news, "req_1", "coder", streams=True)
        self.live.asks(PLACE.target)
        self._read = 0

    def events(self) -> list[dict[str, Any]]:
        items = [item for item in self.news._kept if item.number > self._read]
        self._read = self.news.number
        return [json.loads(item.data) for item in items]

    def deltas(self) -> list[dict[str, Any]]:
        """What they say, without what is the same in all."""
        told = [each for each in self.events() if each.pop("type") == "delta"]
        return [{name: value for name, value in each.items() if name != "request"} for each in told]


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    with made.news.listening():
        made.events()
        yield made


def relaying(told: Told) -> ToldRelay:
    relay = ToldRelay(told.live, model="coder", include_usage=False, id="i", created=1)
    relay.listener = Listener(Replay(), PLACE)
    return relay


def collecting(told: Told) -> ToldCollector:
    return ToldCollector(told.live, model="coder", id="i", created=1)


def chunk(finish: str | None = None, index: int = 0, **delta: Any) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "i", "choices": [choice]}).encode() + b"\n\n"


def call(index: int, arguments: str = "", **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
    return {"index": index, "function": function, **more}


DONE = b"data: [DONE]\n\n"


def test_pieces_of_one_read_are_one_event_for_each_run_of_a_kind(told: Told) -> None:
    relay = relaying(told)
    relay.feed(chunk(role="assistant", content=""))
    relay.feed(chunk(reasoning_content="Let") + chunk(reasoning_content=" me") + chunk(content="Hel"))
    told.live.begin()
    relay.feed(chunk(content="lo") + chunk(content=" you") + chunk(finish="stop") + DONE)

    assert told.events() == [
        BEGIN,
        {"type": "delta", "request": "req_1", "reasoning": "Let me"},
        {"type": "delta", "request": "req_1", "text": "Hel"},
        {"type": "delta", "request": "req_1", "text": "lo you"},
        OK,
    ]


def test_the_name_of_a_call_comes_once_and_calls_are_told_apart(told: Told) -> None:
    relay = relaying(told)
    told.live.begin()
    relay.feed(chunk(tool_calls=[call(0, id="c1", name="edit"), call(0, '{"a"')]))
    relay.feed(chunk(tool_calls=[call(0, ":1}"), call(1, "{}", id="c2", name="ls")]))

    assert told.deltas() == [
        {"call": 0, "name": "edit", "arguments": '{"a"'},
        {"call": 0, "arguments": ":1}"},
        {"call": 1, "name": "ls", "arguments": "{}"},
    ]


def test_what_a_custom_tool_is_given_and_an_older_call_are_told_as_well(told: Told) -> None:
    relay = relaying(told)
    told.live.begin()
    relay.feed(chunk(tool_calls=[{"index": 0, "id": "c", "custom": {"name": "sh", "input": "ls"}}]))
    relay.feed(chunk(function_call={"name": "old", "arguments": "{}"}))

    assert told.deltas() == [
        {"call": 0, "name": "sh", "arguments": "ls"},
        {"call": 0, "name": "old", "arguments": "{}"},
    ]


def test_of_several_choices_the_first_is_told(told: Told) -> None:
    relay = relaying(told)
    told.live.begin()
    relay.feed(chunk(content="first") + chunk(content="second", index=1))

    assert told.deltas() == [{"text": "first"}]


def test_thoughts_that_are_said_twice_are_told_once(told: Told) -> None:
    relay = relaying(told)
    told.live.begin()
    detail = {"type": "reasoning.text", "text": "hm", "index": 0}
    relay.feed(chunk(reasoning="hm", reasoning_details=[detail]))

    assert told.deltas() == [{"reasoning": "hm"}]


def test_an_emoji_that_is_cut_in_two_is_told_whole(told: Told) -> None:
    """Two reads brought its halves, as JavaScript writes them."""
    relay = relaying(told)
    told.live.begin()
    said = [
        rb'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}' % each
        for each in (rb"a\ud83d", rb"\ude00b")
    ]
    for each in said:
        relay.feed(each + b"\n\n")

    assert told.deltas() == [{"text": "a😀b"}]


def test_half_an_emoji_at_the_end_is_told_as_something_that_can_be_read(told: Told) -> None:
    relay = relaying(told)
    told.live.begin()
    relay.feed(
        rb'data: {"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]}' + b"\n\n" + chunk("stop") + DONE
    )

    assert told.deltas() == [{"text": "a\ufffd"}]


def test_nothing_is_told_of_an_attempt_that_fails_before_its_answer_began(told: Told) -> None:
    relaying(told).feed(chunk(content="lost"))
    told.live.end("broken")
    told.live.asks(PLACE.target)
    told.live.begin()

    assert told.events() == [BEGIN]


def test_an_answer_that_breaks_has_an_end_and_the_next_one_begins_anew(told: Told) -> None:
    collector = collecting(told)
    collector.feed(chunk(content="Half"))
    told.live.end("broken")
    told.live.end("failed")

    assert told.events()[-2:] == [
        {"type": "delta", "request": "req_1", "text": "Half"},
        {"type": "end", "request": "req_1", "outcome": "broken"},
    ]
    collecting(told).feed(chunk(content="Whole"))
    assert [each["type"] for each in told.events()] == ["begin", "delta"]


def test_the_client_gets_the_end_after_it_was_told(told: Told) -> None:
    relay = relaying(told)
    relay.feed(chunk(content="Hi"))
    told.live.begin()
    told.events()
    out = relay.feed(chunk("stop") + DONE)

    assert (out[-len(DONE) :], told.events()) == (DONE, [OK])


def test_a_collected_answer_is_told_while_it_comes_and_ends_when_it_is_whole(told: Told) -> None:
    collector = collecting(told)
    collector.feed(chunk(role="assistant", content=""))
    assert told.events() == []
    collector.feed(chunk(content="Hi"))
    assert [each["type"] for each in told.events()] == ["begin", "delta"]
    collector.feed(chunk("stop") + DONE)
    assert told.events() == []
    collector.result()
    assert told.events() == [OK]


def test_an_answer_that_came_at_once_is_told_in_its_order(told: Told) -> None:
    called = {"id": "c", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    message = {"role": "assistant", "content": "Hi", "reasoning_content": "hm", "tool_calls": [called]}
    choices = [{"message": message}, {"message": {"content": "another"}}]
    told.live.whole(json.dumps({"choices": choices}).encode())

    begin, *deltas, end = told.events()
    assert (begin, end) == (BEGIN, OK)
    assert [[*each.items()][2:] for each in deltas] == [
        [("reasoning", "hm")],
        [("text", "Hi")],
        [("call", 0), ("name", "ls"), ("arguments", "{}")],
    ]


def test_nothing_is_made_once_nobody_listens_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idetour.gateway.news.BACK_SECONDS", 0.0)
    told = Told()
    with told.news.listening():
        pass
    before = told.news.number
    told.live.whole(b'{"choices":[{"message":{"content":"Hi"}}]}')

    assert told.news.number == before
