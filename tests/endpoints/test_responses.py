"""`POST /v1/responses` from the wire to the upstream and back, asked with OpenAI's own SDK."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import openai
import pytest

from endpoints.responding import LS, PATCH, post, sent
from endpoints.talk import Answer, ask
from idetour.endpoints.responses import Translated
from idetour.wire import sse
from idetour.wire.responses import read
from idetour.wire.responses_object import frame
from idetour.wire.responses_store import Store
from idetour.wire.responses_stream import Teller
from upstream import Upstream, call, event, raw_stream, reply, stream, think, until, whole

if TYPE_CHECKING:
    from conftest import Serving


def codes(answer: Answer) -> list[str]:
    return [
        line.removeprefix("event: ") for line in answer.body.decode().split("\n") if line.startswith("event")
    ]


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v1/v1/responses/"])
def test_it_answers_wherever_it_is_asked(port: int, path: str) -> None:
    answer = post(port, path)

    assert (answer.status, answer.headers["x-idetour-target"]) == (200, "up/model")
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert answer.json()["output"][0]["content"][0]["text"] == "Hello, world"


def test_the_sdk_gets_text_under_the_name_it_asked_for(client: openai.OpenAI, upstream: Upstream) -> None:
    made = client.responses.create(model="m", input="Hi", instructions="Be brief.", max_output_tokens=9)

    assert (made.output_text, made.model, made.status) == ("Hello, world", "m", "completed")
    assert made.usage is not None
    assert (
        made.usage.input_tokens,
        made.usage.output_tokens,
        made.usage.input_tokens_details.cached_tokens,
        made.usage.output_tokens_details.reasoning_tokens,
    ) == (9, 3, 0, 0)
    assert [message["content"] for message in sent(upstream)["messages"]] == ["Be brief.", "Hi"]


def test_the_sdk_streams_reasoning_text_and_calls(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.always(
        stream(
            think("Hm"),
            "Hel",
            "lo",
            *call("ls", {"path": "."}),
            *call("ls", {"path": "/"}, id="call_2", index=1),
        )
    )
    with client.responses.stream(model="m", input="Hi", tools=[LS]) as events:
        said = [each.delta for each in events if each.type == "response.output_text.delta"]
        final = events.get_final_response()

    assert said == ["Hel", "lo"]
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call", "function_call"]
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(each.call_id, each.arguments) for each in calls] == [
        ("call_1", '{"path": "."}'),
        ("call_2", '{"path": "/"}'),
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_three_rounds_with_tools_reach_the_upstream_as_one_conversation(
    client: openai.OpenAI, upstream: Upstream, streamed: bool
) -> None:
    upstream.then(
        stream(think("First"), *call("ls", {"path": "."})),
        stream("Now", *call("apply_patch", {"input": "*** x"}, id="call_2")),
        reply("Done."),
    )
    history: list[Any] = [{"role": "user", "content": "Fix it"}]
    for _ in range(3):
        asked: Any = {
            "model": "m",
            "input": history,
            "tools": [LS, PATCH],
            "store": False,
            "include": ["reasoning.encrypted_content"],
        }
        if streamed:
            with client.responses.stream(**asked) as events:
                made: Any = events.get_final_response()
        else:
            made = client.responses.create(**asked)
        for item in made.output:
            history.append(item.to_dict())
            if item.type in ("function_call", "custom_tool_call"):
                history.append(
                    {"type": f"{item.type}_output", "call_id": item.call_id, "output": f"did {item.name}"}
                )

    assert made.output_text == "Done."
    user, first, told, second, again = sent(upstream)["messages"]
    assert (user["content"], told["content"], again["content"]) == ("Fix it", "did ls", "did apply_patch")
    assert (first["reasoning_content"], first["tool_calls"][0]["id"]) == ("First", "call_1")
    assert (
        second["content"],
        json.loads(second["tool_calls"][0]["function"]["arguments"]),
    ) == ("Now", {"input": "*** x"})


def test_trae_agent_is_answered_in_its_own_shape(port: int, upstream: Upstream) -> None:
    """Not streamed, the text behind its calls, and a client that dies without both details of the usage."""
    upstream.always(whole("Done"))
    history = [
        {"role": "user", "content": "[Task] Fix it"},
        {
            "arguments": "{}",
            "call_id": "call_1",
            "name": "bash",
            "type": "function_call",
            "id": "fc_1",
            "status": "completed",
        },
        {
            "id": "msg_1",
            "content": [{"annotations": [], "text": "I look.", "type": "output_text"}],
            "role": "assistant",
            "status": "completed",
            "type": "message",
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "a.py"},
    ]
    usage = post(port, input=history, tools=[LS], temperature=0.5, top_p=1, max_output_tokens=4096).json()[
        "usage"
    ]

    assert (
        usage["input_tokens_details"]["cached_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    ) == (0, 0)
    assert [message["role"] for message in sent(upstream)["messages"]] == ["user", "assistant", "tool"]


def test_the_end_of_a_stream_is_its_last_event(port: int) -> None:
    answer = post(port, stream=True)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert codes(answer)[-1] == "response.completed"
    assert b"[DONE]" not in answer.body


def test_an_answer_cut_at_its_limit_is_incomplete(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.always(stream("Hel", finish="length"))
    made = client.responses.create(model="m", input="Hi")

    assert made.incomplete_details is not None
    assert (
        made.status,
        made.incomplete_details.reason,
        made.output_text,
    ) == ("incomplete", "max_output_tokens", "Hel")


def test_a_request_is_recorded_like_any_other(served: Callable[..., "Serving"]) -> None:
    serving = served()
    post(serving.port, stream=True)
    [record] = serving.gateway.pipeline.recent

    assert until(lambda: record.outcome == "ok")
    assert (record.asked, str(record.target), record.usage and record.usage.prompt) == ("m", "up/model", 9)


class Listener:
    """Who hears what `Translated` tells."""

    started = False
    heard = b""

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True

    async def write(self, data: bytes) -> None:
        self.heard += data

    async def end(self) -> None:
        self.heard += b"end"


def test_comments_that_keep_a_stream_alive_pass() -> None:
    """Before anything is known of the answer, and between two events of it."""
    asked = read(b'{"model":"m","input":"Hi","stream":true}', Store())
    listener, teller = Listener(), Teller(frame("resp_1", {}, model="m", created=1), asked.tools)
    told = Translated(listener, teller, asked, Store())

    async def answer() -> None:
        await told.start(200, {"content-type": "text/event-stream; charset=utf-8"})
        await told.write(sse.KEEP_ALIVE)
        await told.write(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n')
        await told.write(sse.KEEP_ALIVE)
        await told.write(b'data: {"choices":[{"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
        await told.end()

    asyncio.run(answer())
    assert listener.heard.startswith(sse.KEEP_ALIVE + b"event: response.created")
    assert listener.heard.count(sse.KEEP_ALIVE) == 2
    assert listener.heard.endswith(b"\n\nend")


def test_responses_sent_to_the_door_of_chat_are_answered_as_chat(port: int, upstream: Upstream) -> None:
    items = [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
    answer = post(port, "/v1/chat/completions", input=items, tools=[LS])
    streamed = post(port, "/v1/chat/completions", input=items, stream=True)

    assert answer.json()["choices"][0]["message"]["content"] == "Hello, world"
    assert sent(upstream)["messages"] == [{"role": "user", "content": "Hi"}]
    assert streamed.body.endswith(b"data: [DONE]\n\n")
    assert b"usage" not in streamed.body


def test_what_an_upstream_sends_at_once_is_told_at_once(port: int, upstream: Upstream) -> None:
    """A whole completion in the place of a stream, and a stream in the place of a completion."""
    upstream.then(
        whole("Hello"),
        raw_stream(
            b'data: {"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        ),
    )

    assert b'"delta":"Hello"' in post(port, stream=True).body
    assert post(port).json()["output"][0]["content"][0]["text"] == "Hello"


def test_what_only_responses_has_goes_through_both_ways(bilingual: tuple[int, Upstream, Upstream]) -> None:
    """A tool that OpenAI runs, and its events, which Chat has no words for."""
    port, upstream, _ = bilingual
    searched = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    events: list[Any] = [
        {"type": "response.created", "response": {"id": "resp_up", "status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": searched},
        {"type": "response.web_search_call.completed", "output_index": 0, "item_id": "ws_1"},
        {
            "type": "response.completed",
            "response": {"id": "resp_up", "model": "gpt-up", "status": "completed", "output": [searched]},
        },
    ]
    numbered = [{**each, "sequence_number": number} for number, each in enumerate(events)]
    upstream.then(raw_stream(*(event(each) for each in numbered)))
    body = {"model": "r", "input": "Search", "tools": [{"type": "web_search"}], "stream": True}
    answer = ask(port, "POST", "/v1/responses", json.dumps(body).encode())
    told = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    assert [each["type"] for each in told] == [each["type"] for each in events]
    assert told[2] == numbered[2]
    assert told[-1]["response"]["output"] == [searched]
    assert told[-1]["response"]["model"] == "r"
    assert told[-1]["response"]["id"].startswith("resp_")
    assert told[-1]["response"]["id"] != "resp_up"
    assert upstream.requests[0].json()["tools"] == [{"type": "web_search"}]
