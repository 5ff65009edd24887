"""What is found out about a model that can do everything, and about one that can do little."""

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from gateway.asking import pipelining
from idetour.gateway.probe import Finding, Probe, fits, png, reasons, sees
from idetour.profile import Profile, Target
from upstream import USAGE, Answer, Request, Upstream, call, objecting, status, stream, think, whole

type Body = dict[str, Any]


@pytest.fixture
def probed(profiles: Callable[..., Profile], upstream: Upstream) -> Callable[[], Probe]:
    profile = profiles(f"upstreams: {{up: {{title: Up, url: '{upstream.url}'}}}}")

    async def run() -> Probe:
        async with pipelining() as shared:
            probe = Probe(shared, profile, Target("up", "x"))
            await probe.run()
            return probe

    return lambda: asyncio.run(run())


def able(request: Request) -> Answer:
    """A model that can do everything that it is asked for."""
    body = request.json()
    asked = str(body["messages"][-1]["content"])
    if body["stream"]:
        return stream(think("hm"), "391")
    message: Body = {"role": "assistant", "content": "Hello"}
    if "tools" in body and body["messages"][-1]["role"] == "user":
        cities = ["Paris", "Rome"] if "Rome" in asked else ["Paris"]
        calls = [
            delta
            for n, city in enumerate(cities)
            for delta in call("weather", {"city": city}, id=f"c{n}", index=n)
        ]
        return stream(*calls) if body["stream"] else called(*cities)
    if "response_format" in body:
        message["content"] = '{"sum": 5}'
    if "image_url" in asked:
        message["content"] = "Red."
    return whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": USAGE})


def called(*cities: str) -> Answer:
    calls = [
        {
            "id": f"c{n}",
            "type": "function",
            "function": {"name": "weather", "arguments": json.dumps({"city": city})},
        }
        for n, city in enumerate(cities)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    return whole(
        {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": USAGE}
    )


def test_a_model_that_can_do_everything(probed: Callable[[], Probe], upstream: Upstream) -> None:
    upstream.always(able)
    probe = probed()
    assert [each for each in probe.findings if each.verdict != "yes"] == []
    assert [each.what for each in probe.findings] == [
        *(
            "answers",
            "streams",
            "usage in a stream",
            "reasoning",
            "tools",
            "tool results",
            "tool_choice required",
        ),
        *("parallel calls", "strict tools", "images", "JSON schema", "developer role"),
    ]
    assert (probe.prompt, probe.completion) == (10 * USAGE["prompt_tokens"], 10 * USAGE["completion_tokens"])
    assert max(request.json()["max_tokens"] for request in upstream.requests) <= 300


def limited(body: Body) -> str | None:
    """What a model of little means says to what it cannot."""
    if body.get("tool_choice") == "required":
        return "The tool_choice parameter does not support being set to required or object in thinking mode"
    if "response_format" in body:
        return "This model does not support response_format"
    if any(message["role"] == "developer" for message in body["messages"]):
        return "Unsupported value: 'messages[0].role' does not support 'developer' with this model."
    return None


def test_what_was_changed_and_what_was_refused_is_told_and_learned(
    probed: Callable[[], Probe], upstream: Upstream
) -> None:
    upstream.always(objecting(limited, able))
    probe = probed()
    found = {each.what: each for each in probe.findings}
    assert found["tool_choice required"] == Finding(
        "tool_choice required", "changed", "tool_choice set to auto"
    )
    assert found["developer role"] == Finding("developer role", "changed", "developer sent as system")
    assert found["JSON schema"] == Finding("JSON schema", "no", "This model does not support response_format")
    assert {row.quirk.field for row in probe.pipeline.quirks.rows()} == {"tool_choice", "developer"}


def test_a_model_that_only_talks_is_found_out(probed: Callable[[], Probe], upstream: Upstream) -> None:
    upstream.always(lambda request: stream("hi") if request.json()["stream"] else whole("hi"))
    found = {each.what: (each.verdict, each.remark) for each in probed().findings}
    assert found["tools"] == ("no", "it called nothing")
    assert found["reasoning"] == ("no", "")
    assert found["images"] == ("no", "it took the picture and saw: hi")
    assert found["JSON schema"] == ("no", "no JSON: hi")
    assert "tool results" not in found


def test_after_a_first_question_that_fails_nothing_more_is_asked(
    probed: Callable[[], Probe], upstream: Upstream
) -> None:
    upstream.always(status(401, {"error": {"message": "no such key"}}))
    probe = probed()
    assert probe.findings == [Finding("answers", "no", "no such key")]
    assert len(upstream.requests) == 1


def test_the_ways_of_reasoning_are_told_apart() -> None:
    assert [*reasons([{"reasoning": "a"}, {"reasoning_details": [{}]}])] == ["reasoning", "reasoning_details"]
    assert [*reasons([{"content": "<thi"}, {"content": "nk>hm</think>"}])] == ["<think> in the text"]
    assert [*reasons([{"content": "hi", "reasoning_content": ""}])] == []


def test_an_answer_is_judged_by_what_it_says() -> None:
    assert (fits({"content": '{"sum": 5}'}), fits({"content": '{"sum": 6}'})) == (
        None,
        'another answer: {"sum": 6}',
    )
    assert (sees({"content": "It is RED."}), sees({"content": "红色"})) == (None, None)


def test_the_picture_is_a_red_square() -> None:
    data = png()
    length = int.from_bytes(data[33:37])
    assert (data[:8], data[37:41]) == (b"\x89PNG\r\n\x1a\n", b"IDAT")
    assert zlib.decompress(data[41 : 41 + length]) == (b"\0" + b"\xff\0\0" * 32) * 32
