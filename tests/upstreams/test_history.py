"""Conversations that strict upstreams refuse, and what is sent instead."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.profile import Manners
from idetour.upstreams.adapt import adapt
from idetour.upstreams.complaint import read
from idetour.upstreams.history import COMPLAINT, lacking, strict
from idetour.upstreams.quirk import Quirk
from idetour.wire import raw
from idetour.wire.fault import Fault


def call(*ids: str) -> dict[str, Any]:
    calls = [{"id": id, "type": "function", "function": {"name": "ls", "arguments": "{}"}} for id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id: str, content: Any = "a.py") -> dict[str, Any]:
    return {"role": "tool", "content": content, "tool_call_id": id}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def system(content: Any, role: str = "system") -> dict[str, Any]:
    return {"role": role, "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def ordered(*messages: dict[str, Any]) -> Any:
    fields = [raw.fields(json.dumps(each).encode()) for each in messages]
    return json.loads(raw.encode(strict(fields)))


HI, DONE = user("hi"), assistant("done")
ORPHAN = user("Result of the tool call c9:\na.py")

CASES: dict[str, tuple[list[Any], list[Any]]] = {
    "a result without its call": ([HI, DONE, result("c9")], [HI, DONE, ORPHAN]),
    "a result whose call was cut off": ([result("c9"), DONE], [ORPHAN, DONE]),
    "a result that comes twice": ([HI, call("c9"), result("c9"), result("c9"), DONE], [HI, call("c9"), result("c9"), ORPHAN, DONE]),
    "a call that nobody answered": ([HI, call("a"), user("stop")], [HI, call("a"), result("a", "(no result)"), user("stop")]),
    "one of two that nobody answered": ([HI, call("a", "b"), result("b")], [HI, call("a", "b"), result("b"), result("a", "(no result)")]),
    "words between a call and its result": ([HI, call("a"), user("wait"), result("a")], [HI, call("a"), result("a"), user("wait")]),
    "an id that comes again": ([HI, call("a"), result("a"), call("a"), result("a", "b")], [HI, call("a"), result("a"), call("a-1"), result("a-1", "b")]),
    "an id twice at once": ([HI, call("a", "a"), result("a"), result("a", "b")], [HI, call("a", "a-1"), result("a"), result("a-1", "b")]),
    "no id at all": ([HI, call(""), result("")], [HI, call("call"), result("call")]),
    "a result that is empty": ([HI, call("a"), result("a", "")], [HI, call("a"), result("a", "(no output)")]),
    "messages that are empty": ([HI, assistant(""), user(None), user([]), DONE], [HI, DONE]),
    "neighbours of one role": ([HI, user("you"), DONE, DONE], [user("hi\n\nyou"), assistant("done\n\ndone")]),
    "neighbours with parts": ([HI, user([{"type": "image_url"}])], [user([{"type": "text", "text": "hi"}, {"type": "image_url"}])]),
    "system prompts at the beginning": ([system("a"), system("b"), HI], [system("a\n\nb"), HI]),
    "a system prompt in the middle": ([HI, DONE, system("now", "developer")], [HI, DONE, user("[developer]\nnow")]),
    "a system prompt alone": ([system("a")], [system("a"), user(".")]),
    "an assistant at first": ([system("a"), DONE, HI], [system("a"), user("."), DONE, HI]),
}  # fmt: skip


@pytest.mark.parametrize(("given", "sent"), CASES.values(), ids=CASES.keys())
def test_a_strict_upstream_gets_a_history_in_order(given: list[Any], sent: list[Any]) -> None:
    assert ordered(*given) == sent
    assert ordered(*sent) == sent
    assert lacking(raw.of(given))
    assert not lacking(raw.of(sent))


def test_a_good_conversation_stays_as_it_is() -> None:
    good = [
        system("s"),
        HI,
        call("a", "b"),
        result("a"),
        result("b"),
        call("c"),
        result("c"),
        DONE,
        user([{"type": "text", "text": "x"}]),
    ]

    assert ordered(*good) == good


def test_neighbours_that_differ_in_more_than_words_stay_two() -> None:
    two = [HI | {"name": "a"}, HI | {"name": "b"}]

    assert ordered(*two) == two


def test_what_else_a_message_holds_stays() -> None:
    thoughtful = call("a") | {"reasoning_content": "hm", "extra": [1.50]}

    assert ordered(HI, thoughtful, result("a") | {"name": "ls"})[1:] == [
        thoughtful,
        result("a") | {"name": "ls"},
    ]


MESSAGES = st.one_of(
    st.sampled_from(
        [HI, DONE, ORPHAN, assistant(""), system("s"), system("d", "developer"), {"role": 7}, {}]
    ),
    st.builds(call, st.sampled_from("ab"), st.sampled_from("abc")),
    st.builds(result, st.sampled_from("abcd")),
)


@given(st.lists(MESSAGES, max_size=8))
def test_whatever_comes_calls_and_results_are_paired(messages: list[Any]) -> None:
    made = ordered(*messages)
    open: set[str] = set()
    for message in made:
        if message.get("role") == "tool":
            open.remove(message["tool_call_id"])
        else:
            assert open == set()
            open = {each["id"] for each in message.get("tool_calls") or ()}
    assert ordered(*made) == made


SENTENCES = [
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: c1",
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "System message must be at the beginning.",
    "the message at position 3 with role 'assistant' must not be empty",
    "Not the same number of function calls and responses",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_complaint_of_the_history_is_understood(sentence: str) -> None:
    assert COMPLAINT.search(sentence)
    wrong = json.dumps({"model": "m", "messages": [HI, result("c9")]}).encode()
    right = json.dumps({"model": "m", "messages": [HI]}).encode()
    said = Fault(sentence)

    assert read(said, wrong) == [Quirk("manner", "strict_history", True)]
    assert Quirk("manner", "strict_history", True) not in read(said, right)


@pytest.mark.parametrize("asked", [True, None])
def test_only_a_strict_upstream_gets_another_history(asked: bool | None) -> None:
    history = raw.of([HI, result("c9")])
    fields = adapt({"messages": history}, manners=Manners(strict_history=asked), model_id="m", stream=False)

    assert (fields["messages"] != history) is bool(asked)
