"""When old tool results are left out: by the profile's number, or by the model's window."""

import json
from typing import Any

import msgspec
import pytest

from gateway.histories import history, left_out
from idetour.gateway.trimming import trimmed
from idetour.profile import KnownModel, Model, Target, Upstream
from idetour.routes.plan import Candidate
from idetour.wire import chat
from idetour.wire.messages import translate

TARGET = Target("up", "x")
UP = Upstream(name="up", title="Up", url="https://up.test")


def kept(candidate: Candidate, **fields: Any) -> tuple[int, list[str]]:
    """How many of ten results are left out for a candidate, and the words for it."""
    body = {"model": "m", "messages": history(rounds=10), **fields}
    request, words = trimmed(chat.read(json.dumps(body).encode()), candidate)
    return left_out(chat.messages(request)), words


def test_a_number_of_the_profile_is_the_most_that_is_sent() -> None:
    candidate = Candidate(target=TARGET, upstream=UP, model=Model(name="m", target=TARGET, trim=8000))
    assert kept(candidate) == (3, ["3 old tool results left out"])


@pytest.mark.parametrize(
    ("asked", "expected"), [({"max_tokens": 100}, 0), ({"max_tokens": 5000}, 3), ({}, 3)]
)
def test_the_window_has_to_hold_the_answer_too(asked: dict[str, int], expected: int) -> None:
    known = KnownModel(target=TARGET, title="X", context=13_000, output=4000)
    model = Model(name="m", target=TARGET, trim="tool-results")
    assert kept(Candidate(target=TARGET, upstream=UP, model=model, known=known), **asked)[0] == expected


@pytest.mark.parametrize("trim", [None, "tool-results"])
def test_nothing_is_left_out_unasked_or_where_the_window_is_unknown(trim: Any) -> None:
    model = Model(name="m", target=TARGET, trim=trim)
    assert kept(Candidate(target=TARGET, upstream=UP, model=model)) == (0, [])


def test_who_speaks_messages_gets_its_own_body_without_them() -> None:
    def turn(n: int) -> list[dict[str, Any]]:
        use = {"type": "tool_use", "id": f"toolu_{n}", "name": "sh", "input": {}}
        said = {"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": "a line of output " * 250}
        return [{"role": "assistant", "content": [use]}, {"role": "user", "content": [said]}]

    talk = [{"role": "user", "content": "go"}, *turn(0), *turn(1)]
    asked = translate(chat.read(json.dumps({"model": "m", "max_tokens": 9, "messages": talk}).encode()))
    upstream = Upstream(name="up", title="Up", url="https://up.test", speaks="anthropic")
    candidate = Candidate(target=TARGET, upstream=upstream, model=Model(name="m", target=TARGET, trim=1500))
    request, words = trimmed(asked, candidate)
    assert isinstance(request, chat.Translated)
    results = [message["content"][0] for message in msgspec.json.decode(request.native["messages"])[2::2]]
    assert ([each["tool_use_id"] for each in results], left_out(results)) == (["toolu_0", "toolu_1"], 1)
    assert words == ["1 old tool results left out"]
