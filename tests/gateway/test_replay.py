"""Reasoning that an IDE drops comes back to the model that thought it, and to no other."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.asking import Asked, pipelining
from gateway.thinking import CALL, Delta, conversation, history
from idetour.profile import Profile
from upstream import Script, Upstream, call, objecting, stream, think, whole

WANTED = "The `reasoning_content` in the thinking mode must be passed back to the API."


def insisting(body: Mapping[str, Any]) -> str | None:
    """DeepSeek's condition."""
    lacking = [
        each for each in body["messages"] if each.get("tool_calls") and "reasoning_content" not in each
    ]
    return WANTED if lacking else None


@pytest.fixture
def place(profiles: Callable[..., Profile], upstream: Upstream) -> Callable[..., Profile]:
    """`place("replay: true")`: the profile's `m` is a model there."""

    def made(*manners: str) -> Profile:
        words = ", ".join([f"url: '{upstream.url}'", *manners])
        return profiles(f"upstreams: {{up: {{{words}}}}}\nmodels: {{m: up/x}}")

    return made


def thinking(*said: str | Delta) -> Script:
    """An answer that thinks in two pieces, says something, and calls a tool; streamed or whole, as it is asked."""
    deltas = [think("Let me "), think('look: \u2028".'), *said, *call("ls", {"path": "."})]
    message = {
        "role": "assistant",
        "content": None,
        "reasoning_content": 'Let me look: \u2028".',
        "tool_calls": [CALL],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return lambda request: stream(*deltas) if request.json()["stream"] else whole({"choices": [choice]})


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
def test_a_model_that_insists_gets_its_reasoning_although_the_ide_dropped_it(
    place: Callable[..., Profile], upstream: Upstream, streams: bool
) -> None:
    upstream.then(thinking())
    upstream.always(objecting(insisting))
    first, second = conversation(place(), history(CALL), streams=streams)
    assert (first.client.status, second.client.status) == (200, 200)
    assert b"good" in second.client.heard
    sent = [request.json()["messages"] for request in upstream.requests]
    assert len(sent) == 3  # it was refused once, and nobody but we have heard of it
    assert sent[2][1] == sent[1][1] | {"reasoning_content": 'Let me look: \u2028".'}
    assert second.client.headers["x-idetour-changed"] == "reasoning put back"


def test_the_next_turn_is_not_refused_first(place: Callable[..., Profile], upstream: Upstream) -> None:
    upstream.then(thinking())
    upstream.always(objecting(insisting))
    conversation(place(), history(CALL), history(CALL))
    assert len(upstream.requests) == 4


def test_where_the_catalog_says_so_nothing_is_refused_at_all(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    upstream.then(thinking())
    upstream.always(objecting(insisting))
    conversation(place("replay: true"), history(CALL))
    assert len(upstream.requests) == 2


def test_who_does_not_ask_for_it_does_not_get_it(place: Callable[..., Profile], upstream: Upstream) -> None:
    upstream.then(thinking())
    _, second = conversation(place(), history(CALL))
    assert upstream.requests[1].json()["messages"] == history(CALL)
    assert "x-idetour-changed" not in second.client.headers


def test_where_the_reasoning_is_lost_a_blank_rescues_the_conversation(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    """After a restart, or when another model made the calls: without it no turn would ever succeed again."""
    upstream.always(objecting(insisting))
    _, second = conversation(place(), history(CALL))
    assert second.client.status == 200
    assert upstream.requests[-1].json()["messages"][1]["reasoning_content"] == " "
    assert second.record.changed == ["lost reasoning left blank"]


def test_an_empty_thought_is_one_too(place: Callable[..., Profile], upstream: Upstream) -> None:
    """DeepSeek answers at once now and then, with reasoning_content "", and wants that back."""
    upstream.then(stream(think(""), *call("ls", {"path": "."})))
    conversation(place("replay: true"), history(CALL))
    assert upstream.requests[1].json()["messages"][1]["reasoning_content"] == ""


def test_reasoning_that_the_client_sends_is_left_as_it_is(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    upstream.then(thinking())
    messages = history(CALL, reasoning_content="the client's own")
    conversation(place("replay: true"), messages)
    assert upstream.requests[1].json()["messages"] == messages


def test_an_upstream_that_refuses_reasoning_gets_none(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    messages = history(CALL, reasoning_content="hm", reasoning="hm")
    _, second = conversation(place("replay: false"), messages)
    assert upstream.requests[1].json()["messages"] == history(CALL)
    assert second.record.changed == ["reasoning left out"]


def test_and_so_does_one_that_says_so(place: Callable[..., Profile], upstream: Upstream) -> None:
    words = "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]"
    upstream.always(
        objecting(
            lambda body: words if any("reasoning_content" in each for each in body["messages"]) else None
        )
    )
    _, second = conversation(place(), history(CALL, reasoning_content="hm"))
    assert second.client.status == 200
    assert upstream.requests[-1].json()["messages"] == history(CALL)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_it_goes_back_under_the_name_that_it_came_by(
    place: Callable[..., Profile], upstream: Upstream, name: str
) -> None:
    upstream.then(stream({name: "hm"}, *call("ls", {"path": "."})))
    conversation(place("replay: true"), history(CALL))
    assert upstream.requests[1].json()["messages"][1] == history(CALL)[1] | {name: "hm"}


def test_signed_details_go_back_whole_though_nobody_says_that_they_are_wanted(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    """As OpenRouter streams them: the signature comes last, and its own chunk repeats the format."""
    one = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    pieces = [{**one, "text": "H"}, {**one, "text": "m"}, {**one, "signature": "EqQB+/=="}]
    upstream.then(
        stream(
            *({"reasoning_details": [each], "reasoning": "x"} for each in pieces), *call("ls", {"path": "."})
        )
    )
    conversation(place(), history(CALL))
    said = upstream.requests[1].json()["messages"][1]
    assert said["reasoning_details"] == [{**one, "text": "Hm", "signature": "EqQB+/=="}]
    assert "reasoning" not in said


def test_googles_signature_goes_back_with_its_call(place: Callable[..., Profile], upstream: Upstream) -> None:
    extra = {"google": {"thought_signature": "CqQB+/=="}}
    first, *rest = call("ls", {"path": "."})
    first["tool_calls"][0]["extra_content"] = extra
    other = {**CALL, "id": "call_2"}
    upstream.then(stream(first, *rest, *call("ls", {"path": "."}, id="call_2", index=1)))
    conversation(place(), history(CALL, other))
    assert upstream.requests[1].json()["messages"][1]["tool_calls"] == [
        {**CALL, "extra_content": extra},
        other,
    ]


def test_gemini_goes_on_with_calls_that_another_model_made(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    """It refuses calls without a signature, and those that others have signed."""

    def objects(body: Mapping[str, Any]) -> str | None:
        calls = [call for each in body["messages"] for call in each.get("tool_calls", ())]
        marks = [call.get("extra_content", {}).get("google", {}).get("thought_signature") for call in calls]
        if None in marks:
            return "Function call is missing a thought_signature in functionCall parts."
        return None if {*marks} <= {"skip_thought_signature_validator"} else "Corrupted thought signature."

    upstream.always(objecting(objects))
    strange = {**CALL, "extra_content": {"google": {"thought_signature": "another's"}}}
    asked = conversation(place(), history(CALL), history(CALL), history(strange), history(strange))
    assert [each.client.status for each in asked] == [200] * 5
    assert len(upstream.requests) == 5 + 2  # each refusal was heard once
    assert asked[1].client.headers["x-idetour-changed"] == "calls of other models marked"


def test_it_goes_to_the_model_that_thought_it_and_to_no_other(
    profiles: Callable[..., Profile], upstream: Upstream, upstreams: Callable[..., Upstream]
) -> None:
    elsewhere = upstreams()
    profile = profiles(
        f"upstreams: {{up: {{url: '{upstream.url}', replay: true}}, b: {{url: '{elsewhere.url}', replay: true}}}}\n"
        "models: {m: up/x, other: up/y, there: b/x}"
    )
    upstream.then(thinking())

    async def run() -> None:
        async with pipelining() as shared:
            await Asked(profile).through(shared)
            for model in ("other", "there", "m"):
                await Asked(profile, model=model, fields={"messages": history(CALL)}).through(shared)

    asyncio.run(run())
    assert elsewhere.requests[0].json()["messages"] == history(CALL)
    assert [request.json()["messages"] == history(CALL) for request in upstream.requests[1:]] == [True, False]


def test_ids_that_come_again_do_not_mix_conversations_up(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    """Kimi numbers the calls of each conversation: `functions.ls:0`."""
    upstream.then(thinking())
    other = {**CALL, "function": {"name": "ls", "arguments": '{"path": "src"}'}}
    conversation(place("replay: true"), history(other))
    assert upstream.requests[1].json()["messages"] == history(other)


def test_arguments_may_be_written_anew(place: Callable[..., Profile], upstream: Upstream) -> None:
    upstream.then(thinking())
    other = {**CALL, "function": {"arguments": '{ "path":"." }', "name": "ls"}}
    conversation(place("replay: true"), history(other))
    assert "reasoning_content" in upstream.requests[1].json()["messages"][1]


def test_an_answer_without_calls_and_one_that_broke_off_leave_nothing(
    place: Callable[..., Profile], upstream: Upstream
) -> None:
    upstream.then(
        stream(think("hm"), "hello"), stream(think("hm"), *call("ls", {"path": "."})).reset_after(4)
    )

    async def run() -> int:
        async with pipelining() as shared:
            for _ in range(2):
                await Asked(place("replay: true")).through(shared)
            return len(shared.replay._kept)

    assert asyncio.run(run()) == 0
