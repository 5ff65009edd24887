"""Reasoning that an IDE drops comes back to the model that thought it, and to no other.

The conversations are Trae's: its history holds tool calls and their results, and never reasoning.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from gateway.asking import Asked, Listener, pipelining
from idetour.gateway import replay
from idetour.gateway.record import Record
from idetour.gateway.replay import Replay, identity, signed
from idetour.profile import Profile, Target
from idetour.profile import Upstream as Place
from idetour.routes.plan import Candidate
from idetour.wire import chat, messages, raw
from upstream import Script, Upstream, call, event, objecting, raw_stream, stream, think, whole

type Delta = dict[str, Any]

WANTED = "The `reasoning_content` in the thinking mode must be passed back to the API."
TOOLS = [{"type": "function", "function": {"name": "ls", "parameters": {"type": "object", "properties": {}}}}]
HERE = Candidate(target=Target("up", "x"), upstream=Place(name="up", title="Up", url="https://up.test"))
CALL = {"id": "call_1", "type": "function", "function": {"name": "ls", "arguments": '{"path": "."}'}}


def history(*calls: Delta, **members: Any) -> list[Delta]:
    """What an IDE sends after the tools have run: the calls and results, without what was thought."""
    results = [{"role": "tool", "tool_call_id": each["id"], "content": "a.py"} for each in calls]
    said = {"role": "assistant", "content": "", "tool_calls": list(calls), **members}
    return [{"role": "user", "content": "hi"}, said, *results]


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


def conversation(profile: Profile, *messages: list[Delta], streams: bool = True) -> list[Asked]:
    """One request for each list of messages, the first of which says only hi, in one idetour."""
    turns = [[{"role": "user", "content": "hi"}], *messages]
    asked = [Asked(profile, stream=streams, fields={"messages": each, "tools": TOOLS}) for each in turns]

    async def run() -> None:
        async with pipelining() as shared:
            for each in asked:
                await each.through(shared)

    asyncio.run(run())
    return asked


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


# Anthropic: what Claude thought and signed precedes its calls, or it would be refused.

BLOCKS = [
    {"type": "thinking", "thinking": "List first.", "signature": "EqQBCkYIBxgCKkDf+/9aQ=="},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p"},
]
USE = {"type": "tool_use", "id": "toolu_01", "name": "ls", "input": {"path": "."}}
CLAUDES = {"id": "toolu_01", "type": "function", "function": {"name": "ls", "arguments": '{"path":"."}'}}


def told(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\n".encode() + event({"type": kind, **members})


def claude(request: Any) -> Any:
    """Thinks, signs and calls a tool; streamed or whole. Refuses calls whose thoughts are gone, as Anthropic does."""
    body = request.json()
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        kinds = [block["type"] for block in blocks]
        if (
            message["role"] == "assistant"
            and body.get("thinking")
            and "tool_use" in kinds
            and blocks[:2] != BLOCKS
        ):
            return objecting(lambda _: "Expected `thinking`, but found `tool_use`")(request)
    about = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    if not body["stream"]:
        return whole({**about, "content": [*BLOCKS, USE], "stop_reason": "tool_use"})
    start = told("message_start", message={**about, "content": [], "stop_reason": None})
    deltas = [
        told(
            "content_block_start",
            index=0,
            content_block={"type": "thinking", "thinking": "", "signature": ""},
        ),
        *(
            told("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": text})
            for text in ("List ", "first.")
        ),
        told(
            "content_block_delta",
            index=0,
            delta={"type": "signature_delta", "signature": BLOCKS[0]["signature"]},
        ),
        told("content_block_stop", index=0),
        told("content_block_start", index=1, content_block=BLOCKS[1]),
        told("content_block_stop", index=1),
        told("content_block_start", index=2, content_block={**USE, "input": {}}),
        told(
            "content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"path":"."}'}
        ),
        told("content_block_stop", index=2),
        told("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 9}),
        told("message_stop"),
    ]
    return raw_stream(start, *deltas)


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-opus-5"], ids=["budget", "adaptive"])
def test_claudes_signature_comes_back_byte_for_byte(
    profiles: Callable[..., Profile], upstream: Upstream, model: str, streams: bool
) -> None:
    upstream.always(claude)
    profile = profiles(
        f"upstreams: {{anthropic: {{url: '{upstream.origin}', key: $KEY}}}}\nmodels: {{m: anthropic/{model}}}",
        KEY="k",
    )
    turns = [[{"role": "user", "content": "hi"}], history(CLAUDES)]
    asked = [
        Asked(
            profile, stream=streams, fields={"messages": each, "tools": TOOLS, "reasoning_effort": "medium"}
        )
        for each in turns
    ]

    async def run() -> None:
        async with pipelining() as shared:
            for each in asked:
                await each.through(shared)

    asyncio.run(run())
    body = upstream.requests[1].json()
    assert [each.client.status for each in asked] == [200, 200]
    assert len(upstream.requests) == 2
    assert body["thinking"]["type"] in ("enabled", "adaptive")
    assert body["messages"][1]["content"] == [*BLOCKS, USE]


def test_nor_do_claudes_own_clients_have_to_keep_it(
    profiles: Callable[..., Profile], upstream: Upstream
) -> None:
    """Messages to Messages: the request goes on as it came, but for the thoughts that it lacks."""
    upstream.always(claude)
    profile = profiles(
        f"upstreams: {{anthropic: {{url: '{upstream.origin}', key: $KEY}}}}\n"
        "models: {m: anthropic/claude-sonnet-4-5}",
        KEY="k",
    )
    result = {"type": "tool_result", "tool_use_id": "toolu_01", "content": "a.py"}
    turns: list[Delta] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "Look:"}, USE]},
        {"role": "user", "content": [result]},
    ]
    budget = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    sent: list[Delta] = [
        {**budget, "messages": turns[:1]},
        {**budget, "messages": turns},
        {**budget, "messages": [turns[0], {"role": "assistant", "content": [*BLOCKS, USE]}, turns[2]]},
        {"messages": turns},
    ]

    async def run() -> None:
        async with pipelining() as shared:
            for body in sent:
                whole_body = {"model": "m", "max_tokens": 2048, "stream": True, **body}
                request = messages.translate(chat.read(json.dumps(whole_body).encode()))
                record = Record(asked="m", door="direct")
                await shared.chat(profile, request, Listener(), key=None, record=record)
                assert record.outcome == "ok"

    asyncio.run(run())
    said = [request.json()["messages"] for request in upstream.requests]
    assert said[1] == [turns[0], {"role": "assistant", "content": [*BLOCKS, *turns[1]["content"]]}, turns[2]]
    assert said[2] == sent[2]["messages"]
    assert said[3] == turns


# The memory itself.


def message(text: str = "hm", id: str = "call_1") -> dict[str, Any]:
    return raw.fields(json.dumps({"reasoning_content": text, "tool_calls": [{**CALL, "id": id}]}).encode())


def back(memory: Replay, *calls: Delta) -> list[Delta]:
    body = {"model": "m", "messages": history(*(calls or (CALL,)))}
    request, _ = memory.restored(chat.read(json.dumps(body).encode()), HERE, wanted=True)
    return list(msgspec.json.decode(request.fields["messages"]))


def test_the_oldest_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_CALLS", 3)
    memory = Replay()
    for number in range(5):
        memory.keep(replay.place_of(HERE), message(id=f"call_{number}"))
    kept = ["reasoning_content" in back(memory, {**CALL, "id": f"call_{number}"})[1] for number in range(5)]
    assert kept == [False, False, True, True, True]


def test_and_when_they_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_BYTES", 100)
    memory = Replay()
    for number in range(5):
        memory.keep(replay.place_of(HERE), message("x" * 40, id=f"call_{number}"))
    assert (len(memory._kept), memory._size <= 100) == (2, True)


def test_and_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Replay()
    memory.keep(replay.place_of(HERE), message())
    assert "reasoning_content" in back(memory)[1]
    monkeypatch.setattr(replay, "SECONDS", -1.0)
    assert back(memory) == history(CALL)
    memory.keep(replay.place_of(HERE), message(id="other"))
    assert (len(memory._kept), memory._size, memory._places) == (0, 0, {})


def test_what_thinks_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MOST_OF_ONE", 100)
    memory = Replay()
    memory.keep(replay.place_of(HERE), message("x" * 200))
    assert back(memory) == history(CALL)


def test_messages_that_cannot_be_read_are_left_to_who_has_to_read_them() -> None:
    memory = Replay()
    memory.keep(replay.place_of(HERE), message())
    request = chat.read(b'{"model": "m", "messages": ["tool_calls", {"tool_calls": 1}]}')
    assert memory.restored(request, HERE, wanted=True) == (request, [])


def test_a_call_is_known_by_its_id_name_and_arguments() -> None:
    def known(**members: Any) -> bytes:
        return identity(raw.fields(json.dumps(CALL | members).encode()))

    assert known() == known(function={"name": "ls", "arguments": '{"path":"."}'})
    one, other = '{"a": 1, "b": [2]}', '{"b":[2],"a":1}'
    assert known(function={"name": "ls", "arguments": one}) == known(
        function={"name": "ls", "arguments": other}
    )
    assert known() != known(id="call_2")
    assert known() != known(function={"name": "ls", "arguments": "{}"})
    assert known(function={"name": "ls", "arguments": "{"}) == known(
        function={"name": "ls", "arguments": "{"}
    )


def test_details_are_signed_where_one_of_them_is() -> None:
    assert signed(raw.of([{"text": "x"}, {"signature": "s"}]))
    assert signed(raw.of([{"data": "x"}]))
    assert not signed(raw.of([{"text": "x", "signature": ""}]))
