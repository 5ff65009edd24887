"""What is sent, and what is told of it. Whole conversations: `test_remedy.py`, `test_replay.py`."""

import json
from typing import Any

import pytest

from gateway.histories import history, left_out
from idetour.gateway.outgoing import fitted
from idetour.gateway.quirks import Quirks
from idetour.gateway.replay import Replay
from idetour.profile import KnownModel, Manners, Model, Target, Upstream
from idetour.routes.plan import Candidate
from idetour.upstreams.quirk import Quirk
from idetour.wire import chat
from idetour.wire.embeddings import read as read_embeddings

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


def test_old_results_are_left_out_where_the_profile_says_so_and_it_is_told(quirks: Quirks) -> None:
    candidate = Candidate(target=TARGET, upstream=UP, model=Model(name="m", target=TARGET, trim=8000))
    body, changed = sent(quirks, candidate, messages=history(rounds=10))
    assert (left_out(body["messages"]), changed) == (3, ["3 old tool results left out"])


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
