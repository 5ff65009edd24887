"""The scripted model, read as any upstream's answer is read."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from idetour.errors import BadRequest, NotFound, UpstreamError
from idetour.upstreams import Transports
from idetour.upstreams.demo import Demo, Script, newest_words, steps
from idetour.upstreams.transport import Outgoing, Pool
from idetour.wire.completion import Collector

LS = {"name": "ls", "parameters": {"properties": {"path": {"type": "string"}, "depth": {"type": "integer"}}}}
TOOL = {"type": "function", "function": LS}


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def hurried(request: dict[str, Any]) -> Script:
    """The script without its pauses."""
    return Script(request, tuple(replace(step, pause=0) for step in steps(request)))


def answer(model: str, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The whole answer, put together by the code that reads real upstreams."""

    async def collect() -> bytes:
        script = hurried({"model": model, "messages": list(messages) or [user("hi there")], **more})
        collector = Collector(model=model, id="x", created=0)
        while data := await script.read():
            collector.feed(data)
        return collector.result()

    made: dict[str, Any] = json.loads(asyncio.run(collect()))
    return made


def test_hello_says_what_it_is_and_what_it_heard() -> None:
    made = answer("hello")
    (choice,) = made["choices"]

    assert choice["finish_reason"] == "stop"
    assert "I am a script, not an AI" in choice["message"]["content"]
    assert "“hi there”" in choice["message"]["content"]
    assert "你好" in choice["message"]["content"]
    assert (
        made["usage"]["total_tokens"]
        == made["usage"]["prompt_tokens"] + made["usage"]["completion_tokens"]
        > 0
    )


def test_tools_are_a_part_of_what_is_asked_and_pictures_are_not_counted_by_their_bytes() -> None:
    def prompt(*said: dict[str, Any], **more: Any) -> int:
        count: int = answer("hello", *said, **more)["usage"]["prompt_tokens"]
        return count

    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A1b2' * 5000}"}}
    assert prompt(user("hi"), tools=[TOOL] * 20) > prompt(user("hi")) + 400
    assert prompt(user([picture])) < 400


def test_what_is_thought_and_called_counts_as_well() -> None:
    def said(model: str, **more: Any) -> int:
        count: int = answer(model, **more)["usage"]["completion_tokens"]
        return count

    assert said("thinker") > said("hello") + 10
    assert 5 < said("tools", tools=[TOOL]) < said("hello")


def test_thinker_thinks_before_it_speaks() -> None:
    message = answer("thinker")["choices"][0]["message"]

    assert "I have no thoughts of my own" in message["reasoning_content"]
    assert "I am a script" in message["content"]


def test_tools_calls_the_first_tool_with_arguments_that_fit() -> None:
    (choice,) = answer("tools", tools=[TOOL])["choices"]
    (call,) = choice["message"]["tool_calls"]

    assert choice["finish_reason"] == "tool_calls"
    assert (call["id"], call["function"]["name"]) == ("call_demo", "ls")
    assert json.loads(call["function"]["arguments"]) == {"path": "demo", "depth": 1}


def test_agent_calls_one_tool_each_turn_with_an_id_of_its_own() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("bash", "task_done")]
    results: list[dict[str, Any]] = []
    ids = []
    for _ in range(3):
        (choice,) = answer("agent", user("do it"), *results, tools=tools)["choices"]
        (call,) = choice["message"]["tool_calls"]
        ids.append(call["id"])
        results += [choice["message"], {"role": "tool", "tool_call_id": call["id"], "content": ""}]

    assert (len({*ids}), call["function"]["name"]) == (3, "task_done")
    assert "I am a script" in answer("agent")["choices"][0]["message"]["content"]


@pytest.mark.parametrize("more", [{}, {"tools": []}, {"tools": None}])
def test_tools_without_tools_speaks(more: dict[str, Any]) -> None:
    assert answer("tools", **more)["choices"][0]["finish_reason"] == "stop"


def test_tools_speaks_when_it_has_its_result() -> None:
    result = {"role": "tool", "tool_call_id": "call_demo", "content": "a.py"}

    assert answer("tools", user("list"), result, tools=[TOOL])["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "tools",
    [[1], "ls", [{}], [{"function": 1}], [{"function": {"parameters": {"properties": {"a": {"type": ["x"]}, "b": 1}}}}]],
)  # fmt: skip
def test_odd_tools_are_called_all_the_same(tools: Any) -> None:
    assert answer("tools", tools=tools)["choices"][0]["finish_reason"] == "tool_calls"


def test_slow_says_the_same_but_slowly() -> None:
    request = {"model": "slow", "messages": [user("hi")]}
    slow, quick = list(steps(request)), list(steps({**request, "model": "hello"}))

    assert [step.delta for step in slow] == [step.delta for step in quick]
    assert sum(step.pause for step in slow) > 10 * sum(step.pause for step in quick)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([user("one"), user("two\n  lines"), {"role": "assistant", "content": "no"}], "two lines"),
        ([user([{"type": "text", "text": "a"}, {"type": "image_url"}, 3, {"text": None}])], "a"),
        ([user("x" * 500)], "x" * 200),
        ([user(None)], ""),
        ([{"role": "system", "content": "x"}], ""),
        (["odd"], ""),
    ],
)
def test_the_newest_words_of_the_user_are_repeated(messages: list[Any], words: str) -> None:
    assert newest_words(messages) == words


def test_it_is_asked_through_the_same_waist_as_all() -> None:
    async def first() -> tuple[int, str, bytes]:
        body = b'{"model":"hello","messages":[{"role":"user","content":"x"}]}'
        incoming = await Transports(Pool()).demo.send(Outgoing(url="demo:", headers={}, body=body))
        return incoming.status, incoming.headers["content-type"], await incoming.read()

    code, kind, data = asyncio.run(first())

    assert (code, kind) == (200, "text/event-stream")
    assert data.startswith(b"data: {")


def test_what_is_closed_says_nothing_more() -> None:
    async def left() -> bytes:
        script = hurried({"model": "hello", "messages": [user("x")]})
        await script.read()
        script.close()
        return await script.read()

    assert asyncio.run(left()) == b""


def test_an_answer_that_is_cut_does_not_look_finished() -> None:
    async def cut() -> bytes:
        script = hurried({"model": "hello", "messages": [user("x")]})
        collector = Collector(model="m", id="x", created=0)
        for _ in range(5):
            collector.feed(await script.read())
        return collector.result()

    with pytest.raises(UpstreamError):
        asyncio.run(cut())


@pytest.mark.parametrize("body", [b"[]", b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_what_it_cannot_read_is_the_askers_mistake(body: bytes) -> None:
    with pytest.raises(BadRequest):
        asyncio.run(Demo().send(Outgoing(url="demo:", headers={}, body=body)))


def test_a_model_that_is_none_is_not_found() -> None:
    sent = Outgoing(url="demo:", headers={}, body=json.dumps({"model": "gpt-4o", "messages": []}).encode())

    with pytest.raises(NotFound, match=r"There is no demo/gpt-4o\. There are: hello, .*, agent, slow\."):
        asyncio.run(Demo().send(sent))
