"""`POST /v1/responses` from the wire to the upstream and back, asked with OpenAI's own SDK."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest

from endpoints.conftest import CANARY
from endpoints.talk import Answer, ask, look
from idetour.endpoints.entry import TICKET, Entry
from idetour.endpoints.responses import Translated
from idetour.wire import sse
from idetour.wire.responses import read
from idetour.wire.responses_object import frame
from idetour.wire.responses_store import Store
from idetour.wire.responses_stream import Teller
from matrix.voices import Said, says
from upstream import Upstream, call, event, raw_stream, reply, status, stream, think, until, whole

if TYPE_CHECKING:
    from conftest import Serving

LS: Any = {
    "type": "function",
    "name": "ls",
    "description": "List files",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
}
PATCH: Any = {"type": "custom", "name": "apply_patch", "description": "Edits files"}


@pytest.fixture
def client(port: int) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
        yield client


def post(port: int, path: str = "/v1/responses", /, **fields: Any) -> Answer:
    return ask(port, "POST", path, json.dumps({"model": "m", "input": "Hi"} | fields).encode())


def sent(upstream: Upstream) -> Any:
    """The last body that the upstream was asked with."""
    return [request for request in upstream.requests if request.method == "POST"][-1].json()


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


def test_an_error_before_the_answer_has_its_status(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.always(
        status(
            400,
            {
                "error": {
                    "message": "too long",
                    "type": "invalid_request_error",
                    "code": "context_length_exceeded",
                }
            },
        )
    )
    for streamed in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="m", input="Hi", stream=streamed)
        assert refused.value.code == "context_length_exceeded"


def heard(client: openai.OpenAI, gate: threading.Event) -> list[Any]:
    """All events. The gate opens with the first text: then the answer has begun."""
    told = []
    for each in client.responses.create(model="m", input="Hi", stream=True):
        told.append(each)
        if each.type == "response.output_text.delta":
            gate.set()
    return told


def test_an_answer_that_breaks_off_has_failed(client: openai.OpenAI, upstream: Upstream) -> None:
    gate = threading.Event()
    upstream.always(stream("Hel", "lo").reset_after(2).held_after(2, gate))
    *_, error, last = heard(client, gate)

    assert [error.type, last.type] == ["error", "response.failed"]
    assert "broke off" in last.response.error.message
    assert CANARY not in str(last)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(last.response.id)


def test_an_error_inside_a_stream_keeps_its_meaning(client: openai.OpenAI, upstream: Upstream) -> None:
    gate = threading.Event()
    error = event(
        {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
    )
    upstream.always(stream("Hel").then_sends(2, error).held_after(2, gate))
    *_, told, last = heard(client, gate)

    assert (told.code, last.response.error.code) == ("rate_limit_exceeded", "rate_limit_exceeded")


def test_a_conversation_goes_on_from_its_last_response(client: openai.OpenAI, upstream: Upstream) -> None:
    upstream.then(reply("One"), reply("Two"), reply("Three"))
    first = client.responses.create(model="m", input="1", instructions="Count.")
    with client.responses.stream(model="m", input="2", previous_response_id=first.id) as events:
        second = events.get_final_response()
    third = client.responses.create(model="m", input="3", previous_response_id=second.id)

    assert [message["content"] for message in sent(upstream)["messages"]] == ["1", "One", "2", "Two", "3"]
    assert second.id == third.previous_response_id


def test_a_response_is_kept_until_it_is_deleted(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="Hi")

    assert made.to_dict() == client.responses.retrieve(made.id).to_dict()
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_that_is_not_to_be_stored_is_not(port: int, streamed: bool) -> None:
    answer = post(port, store=False, stream=streamed)
    [id] = {word for word in answer.body.decode().split('"') if word.startswith("resp_")}

    assert look(port, f"/v1/responses/{id}").status == 404
    refused = post(port, previous_response_id=id)
    assert (refused.status, refused.code) == (400, "previous_response_not_found")
    assert refused.json()["error"]["param"] == "previous_response_id"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/v1/responses", 405), ("POST", "/v1/responses/resp_1", 405), ("GET", "/v1/responses/else", 404), ("POST", "/v1/responses/resp_1/cancel", 404), ("GET", "/responses/resp_1", 404)],
)  # fmt: skip
def test_what_is_not_served_is_refused_with_a_reason(port: int, method: str, path: str, code: int) -> None:
    answer = ask(port, method, path)

    assert code == answer.status
    assert answer.json()["error"]["message"]


def test_a_websocket_is_refused_with_the_status_upon_which_codex_asks_by_http(port: int) -> None:
    answer = look(port, "/v1/responses", connection="Upgrade", upgrade="websocket")

    assert (answer.status, answer.headers["upgrade"]) == (426, "HTTP/1.1")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model": "m"}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_request_is_refused_in_openais_shape(port: int, body: bytes) -> None:
    answer = ask(port, "POST", "/v1/responses", body)

    assert (answer.status, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_refusal_names_the_place(port: int) -> None:
    answer = post(port, input=[{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}])

    assert answer.json()["error"]["param"] == "input[0].content[0].image_url"


def test_a_request_is_recorded_like_any_other(served: Callable[..., "Serving"]) -> None:
    serving = served()
    post(serving.port, stream=True)
    [record] = serving.gateway.pipeline.recent

    assert until(lambda: record.outcome == "ok")
    assert (record.asked, str(record.target), record.usage and record.usage.prompt) == ("m", "up/model", 9)


def test_an_intercepted_request_that_nobody_here_answers_goes_on_as_it_came(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], free_port: int
) -> None:
    """Also one that only OpenAI could answer: it is not for us to refuse."""
    serving_it = serving(profile_file("models: {m: demo/hello}\npassthrough: true"))
    ticket = serving_it.gateway.app.tickets.issue(Entry(host=f"127.0.0.1:{free_port}"))
    body = json.dumps({"model": "gpt-6", "conversation": "conv_1", "input": "Hi"}).encode()
    answer = ask(serving_it.port, "POST", "/v1/responses", body, **{TICKET.replace("-", "_"): ticket})

    assert answer.status == 502  # it was on its way there, and nobody listens
    assert answer.headers.get("x-idetour-request-id") is None


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


# An upstream that speaks Responses itself.


@pytest.fixture
def own(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Any], upstreams: Callable[..., Upstream]
) -> tuple[int, Upstream, Upstream]:
    """A port, an upstream that speaks Responses (`r`) and one that speaks Chat (`m`); `both` tries them in this order."""
    speaks, other = upstreams(), upstreams()
    text = f"""
upstreams: {{r: {{url: '{speaks.url}', speaks: responses}}, o: {{url: '{other.url}'}}}}
models: {{r: r/gpt-up, m: o/model}}
routes: {{both: [{{use: r, else: [m]}}]}}
"""
    return serving(profile_file(text)).port, speaks, other


def test_what_only_responses_has_goes_through_both_ways(own: tuple[int, Upstream, Upstream]) -> None:
    """A tool that OpenAI runs, and its events, which Chat has no words for."""
    port, upstream, _ = own
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


@pytest.mark.parametrize("stream", [True, False])
def test_a_conversation_goes_on_from_our_own_memory_wherever_it_is_answered(
    own: tuple[int, Upstream, Upstream], stream: bool
) -> None:
    """First by one upstream that speaks Responses, then, when that fails, by one that speaks Chat."""
    port, upstream, other = own
    upstream.then(says("responses", Said("Hello", thought="hm")), status(503), status(503))
    other.then(says("openai", Said("Bye")))
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as sdk:
        said: Any = {"model": "both", "stream": stream}
        first = last(sdk.responses.create(input="Hi", **said))
        second = last(sdk.responses.create(input="And?", previous_response_id=first.id, **said))
        kept = sdk.responses.retrieve(second.id)
    assert (first.output_text, second.output_text, kept.id) == ("Hello", "Bye", second.id)
    assert second.previous_response_id == first.id
    asked, again = (upstream.requests[n].json() for n in (0, 1))
    assert (asked["store"], asked["include"]) == (False, ["reasoning.encrypted_content"])
    assert [each.get("role", each["type"]) for each in again["input"]] == [
        "user",
        "reasoning",
        "assistant",
        "user",
    ]
    assert again["input"][1]["encrypted_content"] == "SEALED"
    assert "previous_response_id" not in again
    assert [turn["content"] for turn in other.requests[0].json()["messages"]] == ["Hi", "Hello", "And?"]


def last(made: Any) -> Any:
    """The response, or what the last event says of it."""
    if not hasattr(made, "__iter__") or hasattr(made, "output"):
        return made
    *_, ended = made
    return ended.response


def test_what_chat_cannot_say_is_refused_where_only_chat_is_spoken(
    own: tuple[int, Upstream, Upstream],
) -> None:
    port, _, other = own
    body = {"model": "m", "input": [{"type": "hologram"}]}
    answer = ask(port, "POST", "/v1/responses", json.dumps(body).encode())
    assert (answer.status, answer.json()["error"]["param"]) == (400, "input[0].type")
    assert other.requests == []
