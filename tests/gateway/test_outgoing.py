"""What is sent, and what is told of it. Whole conversations: `test_remedy.py`, `test_replay.py`."""

import json
from typing import Any

import pytest

from idetour.gateway.outgoing import fitted
from idetour.gateway.quirks import Quirks
from idetour.gateway.replay import Replay
from idetour.profile import KnownModel, Manners, Model, Target, Upstream
from idetour.routes.plan import Candidate
from idetour.upstreams.quirk import Quirk
from idetour.wire import chat
from idetour.wire.embeddings import read as read_embeddings
from idetour.wire.messages import translate

TARGET = Target("up", "x")
UP = Upstream(name="up", title="Up", url="https://up.test")
HERE = Candidate(target=TARGET, upstream=UP)


@pytest.fixture
def quirks() -> Quirks:
    return Quirks()


def sent(quirks: Quirks, candidate: Candidate = HERE, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    request = chat.read(json.dumps(body).encode())
    outgoing, changed = fitted(request, candidate, key=None, quirks=quirks, replay=Replay())
    return json.loads(outgoing.body or b""), changed


def test_what_the_catalog_adds_is_taken_out_as_well(quirks: Quirks) -> None:
    known = KnownModel(target=TARGET, title="X", defaults={"temperature": 0.6})
    candidate = Candidate(target=TARGET, upstream=UP, known=known)
    quirks.learn(TARGET, Quirk("drop", "temperature"), why="")
    body, changed = sent(quirks, candidate)
    assert ("temperature" in body, changed) == (False, ["temperature dropped"])


def test_what_the_profile_drops_goes_without_a_word(quirks: Quirks) -> None:
    upstream = Upstream(
        name="up", title="Up", url="https://up.test", manners=Manners(drop=frozenset({"a.b"}))
    )
    model = Model(name="m", target=TARGET, drop=frozenset({"messages.name"}))
    candidate = Candidate(target=TARGET, upstream=upstream, model=model)
    messages = [{"role": "user", "content": "hi", "name": "bob"}]
    body, changed = sent(quirks, candidate, messages=messages, a={"b": 1, "c": 2})
    assert (body["messages"], body["a"], changed) == ([{"role": "user", "content": "hi"}], {"c": 2}, [])


def test_the_profile_says_of_one_model_whether_its_reasoning_goes_back(quirks: Quirks) -> None:
    thought = {"role": "assistant", "content": "hi", "reasoning_content": "hm"}
    model = Model(name="m", target=TARGET, manners=Manners(replay=False))
    candidate = Candidate(target=TARGET, upstream=UP, model=model)
    body, changed = sent(quirks, candidate, messages=[thought])
    assert (body["messages"], changed) == ([{"role": "assistant", "content": "hi"}], ["reasoning left out"])


def test_a_learned_manner_wins_over_the_catalogs(quirks: Quirks) -> None:
    known = KnownModel(target=TARGET, title="X", manners=Manners(stream="both"))
    quirks.learn(TARGET, Quirk("manner", "stream", "only"), why="")
    body, changed = sent(quirks, Candidate(target=TARGET, upstream=UP, known=known), stream=False)
    assert (body["stream"], changed) == (True, ["asked as a stream"])
    assert [row.hits for row in quirks.rows()] == [1]


def test_a_manner_that_changes_nothing_is_not_told(quirks: Quirks) -> None:
    quirks.learn(TARGET, Quirk("manner", "stream", "only"), why="")
    assert sent(quirks, stream=True)[1] == []
    assert [row.hits for row in quirks.rows()] == [0]


def test_what_has_no_messages_is_no_trouble(quirks: Quirks) -> None:
    for learned in (
        Quirk("manner", "developer", False),
        Quirk("manner", "replay", True),
        Quirk("drop", "user"),
    ):
        quirks.learn(TARGET, learned, why="")
    request = read_embeddings(b'{"model": "m", "input": "hi", "user": "u"}')
    outgoing, changed = fitted(request, HERE, key=None, quirks=quirks, replay=Replay())
    assert (json.loads(outgoing.body or b""), changed) == ({"model": "x", "input": "hi"}, ["user dropped"])


def long_history() -> list[dict[str, Any]]:
    """A task and ten rounds, about a thousand tokens each."""
    rounds = range(10)
    call = [
        {"id": f"c{n}", "type": "function", "function": {"name": "sh", "arguments": "{}"}} for n in rounds
    ]
    said = [{"role": "tool", "tool_call_id": f"c{n}", "content": "a line of output " * 250} for n in rounds]
    asked = [{"role": "assistant", "content": None, "tool_calls": [call[n]]} for n in rounds]
    return [
        {"role": "user", "content": "go"},
        *(each for pair in zip(asked, said, strict=True) for each in pair),
    ]


def left_out(messages: list[dict[str, Any]]) -> int:
    return sum("was left out" in str(message["content"]) for message in messages)


def test_old_results_are_left_out_above_the_profiles_number_and_it_is_said(quirks: Quirks) -> None:
    candidate = Candidate(target=TARGET, upstream=UP, model=Model(name="m", target=TARGET, trim=8000))
    body, changed = sent(quirks, candidate, messages=long_history())
    assert (left_out(body["messages"]), changed) == (3, ["3 old tool results left out"])


@pytest.mark.parametrize(
    ("asked", "expected"), [({"max_tokens": 100}, 0), ({"max_tokens": 5000}, 3), ({}, 3)]
)
def test_the_window_has_to_hold_the_answer_too(quirks: Quirks, asked: dict[str, int], expected: int) -> None:
    known = KnownModel(target=TARGET, title="X", context=13_000, output=4000)
    model = Model(name="m", target=TARGET, trim="tool-results")
    candidate = Candidate(target=TARGET, upstream=UP, model=model, known=known)
    assert left_out(sent(quirks, candidate, messages=long_history(), **asked)[0]["messages"]) == expected


def test_nothing_is_left_out_unasked_or_where_the_window_is_unknown(quirks: Quirks) -> None:
    for trim in (None, "tool-results"):
        model = Model(name="m", target=TARGET, trim=trim)
        body, changed = sent(
            quirks, Candidate(target=TARGET, upstream=UP, model=model), messages=long_history()
        )
        assert (left_out(body["messages"]), changed) == (0, [])


def test_who_speaks_messages_gets_its_own_body_without_them(quirks: Quirks) -> None:
    def turn(n: int) -> list[dict[str, Any]]:
        use = {"type": "tool_use", "id": f"toolu_{n}", "name": "sh", "input": {}}
        said = {"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": "a line of output " * 250}
        return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [said]}]

    asked = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "go"}, *turn(0), *turn(1)],
    }
    request = translate(chat.read(json.dumps(asked).encode()))
    upstream = Upstream(name="up", title="Up", url="https://up.test", speaks="anthropic")
    candidate = Candidate(target=TARGET, upstream=upstream, model=Model(name="m", target=TARGET, trim=1500))
    outgoing, changed = fitted(request, candidate, key=None, quirks=quirks, replay=Replay())
    results = [message["content"][0] for message in json.loads(outgoing.body or b"")["messages"][2::2]]
    assert ([each["tool_use_id"] for each in results], left_out(results)) == (["toolu_0", "toolu_1"], 1)
    assert changed == ["1 old tool results left out"]


def test_all_that_was_changed_goes_along_with_its_reason(quirks: Quirks) -> None:
    model = Model(name="coder", target=TARGET, always={"top_p": 0.5}, drop=frozenset({"messages.name"}))
    candidate = Candidate(target=TARGET, upstream=UP, model=model)
    quirks.learn(TARGET, Quirk("drop", "seed"), why="")
    body = {"model": "x", "seed": 1, "messages": [{"role": "user", "content": "hi", "name": "bob"}]}
    request = chat.read(json.dumps(body).encode())
    outgoing, _ = fitted(request, candidate, key=None, quirks=quirks, replay=Replay())
    assert outgoing.changed == [
        "top_p 0.5 added (coder: always)",
        "seed dropped (learned)",
        "messages.name dropped (coder: drop)",
    ]
