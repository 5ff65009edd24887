"""Anthropic's protocol from the wire to the upstream and back, spoken by Anthropic's own SDK."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from endpoints.claude import HI, LS, WELL, client
from endpoints.conftest import CANARY
from endpoints.talk import ask, look
from idetour.wire.messages_errors import TOO_LONG
from upstream import Answer, Upstream, call, html, status, stream, think, until, whole

if TYPE_CHECKING:
    from conftest import Serving

# A client that speaks Messages, an upstream that speaks Chat.


def test_the_sdk_reads_a_stream_of_thoughts_text_and_calls(port: int, upstream: Upstream) -> None:
    upstream.then(stream(think("hm"), "Hel", "lo", *call("ls", {"path": "/"})))
    with client(port).messages.stream(**WELL) as reading:
        said = reading.get_final_message()
    assert [block.type for block in said.content] == ["thinking", "text", "tool_use"]
    assert (said.model, said.stop_reason, said.usage.input_tokens, said.usage.output_tokens) == (
        "m",
        "tool_use",
        9,
        3,
    )
    assert said.content[2].to_dict() == {
        "type": "tool_use",
        "id": "call_1",
        "name": "ls",
        "input": {"path": "/"},
    }


def test_the_sdk_reads_a_whole_answer(port: int) -> None:
    said = client(port).messages.create(**WELL)
    assert (said.content[0].to_dict(), said.stop_reason, said.model) == (
        {"type": "text", "text": "Hello, world"},
        "end_turn",
        "m",
    )
    assert said.id.startswith("msg_")
    assert said._request_id
    assert said._request_id.startswith("req_")


@pytest.mark.parametrize("base", ["", "/v1", "/anthropic", "/anthropic/v1", "/v1/messages"])
def test_it_answers_under_every_base_url_that_people_type(port: int, base: str) -> None:
    assert client(port, base).messages.create(**WELL).stop_reason == "end_turn"


def test_a_conversation_of_three_rounds_of_tools(port: int, upstream: Upstream) -> None:
    conversation = [*HI]
    for number in range(3):
        upstream.then(stream("Looking.", *call("ls", {"path": f"/{number}"}, id=f"functions.ls:{number}")))
        with client(port).messages.stream(
            model="m", max_tokens=100, messages=conversation, tools=[LS]
        ) as reading:
            said = reading.get_final_message()
        use = said.content[-1]
        assert use.type == "tool_use"
        conversation += [
            {"role": "assistant", "content": said.content},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": use.id, "content": f"file {number}"}],
            },
        ]
    client(port).messages.create(model="m", max_tokens=100, messages=conversation, tools=[LS])
    sent = upstream.requests[-1].json()["messages"]
    assert [message["role"] for message in sent] == ["user", *["assistant", "tool"] * 3]
    ids = [message["tool_call_id"] for message in sent if message["role"] == "tool"]
    assert ids == [f"functions.ls:{number}" for number in range(3)]


def test_what_the_upstream_is_sent_holds_nothing_of_anthropics(port: int, upstream: Upstream) -> None:
    client(port).messages.create(
        **WELL, extra_headers={"anthropic-beta": "x"}, thinking={"type": "enabled", "budget_tokens": 1024}
    )
    [sent] = [each for each in upstream.requests if each.method == "POST"]
    assert not [name for name, _ in sent.headers if name.startswith(("anthropic", "x-api"))]
    assert sent.json() == {
        "model": "model",
        "messages": HI,
        "max_tokens": 100,
        "reasoning_effort": "low",
        "stream": False,
    }


def test_a_name_that_openai_would_refuse_comes_back_as_it_was(port: int, upstream: Upstream) -> None:
    long = "mcp__" + "x" * 90
    tool: Any = {**LS, "name": long}
    upstream.then(lambda sent: stream(*call(sent.json()["tools"][0]["function"]["name"], {})))
    with client(port).messages.stream(**WELL, tools=[tool]) as reading:
        [use] = reading.get_final_message().content
    assert use.to_dict()["name"] == long
    assert len(upstream.requests[-1].json()["tools"][0]["function"]["name"]) == 64


@pytest.mark.parametrize(
    ("answer", "error", "type"),
    [
        (status(401), anthropic.AuthenticationError, "authentication_error"),
        (status(429, retry_after="7"), anthropic.RateLimitError, "rate_limit_error"),
        (status(404), anthropic.NotFoundError, "not_found_error"),
        (status(400), anthropic.BadRequestError, "invalid_request_error"),
        (status(503), anthropic.InternalServerError, "overloaded_error"),
        (html(code=502), anthropic.InternalServerError, "api_error"),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
def test_an_error_before_the_answer_is_one_that_the_sdk_knows(
    port: int,
    upstream: Upstream,
    answer: Answer,
    error: type[anthropic.APIStatusError],
    type: str,
    streams: bool,
) -> None:
    upstream.always(answer)
    with pytest.raises(error) as raised:
        client(port).messages.create(**WELL, stream=streams)
    assert raised.value.body == {
        "type": "error",
        "error": {"type": type, "message": raised.value.body["error"]["message"]},  # type: ignore[index]
        "request_id": raised.value.request_id,
    }
    assert CANARY not in str(raised.value.body)


def test_a_conversation_that_is_too_long_is_told_in_the_words_that_claude_code_knows(
    port: int, upstream: Upstream
) -> None:
    error = {"message": "maximum context length is 8192 tokens", "code": "context_length_exceeded"}
    upstream.always(status(400, {"error": error}))
    with pytest.raises(anthropic.BadRequestError, match=TOO_LONG):
        client(port).messages.create(**WELL)


def test_an_answer_that_breaks_off_ends_in_an_error_event(port: int, upstream: Upstream) -> None:
    upstream.always(stream("Hel", "lo").reset_after(2))
    answer = ask(port, "POST", "/v1/messages", json.dumps({**WELL, "stream": True}).encode())
    assert answer.body.count(b"event: error") == 1
    assert answer.body.rstrip().splitlines()[-2] == b"event: error"
    assert b"message_stop" not in answer.body
    with pytest.raises(anthropic.APIStatusError), client(port).messages.stream(**WELL) as reading:
        reading.get_final_message()


def test_an_upstream_that_cannot_stream_is_streamed(port: int, upstream: Upstream) -> None:
    upstream.always(whole("Hello"))
    with client(port).messages.stream(**WELL) as reading:
        assert reading.get_final_text() == "Hello"


def test_the_client_that_leaves_ends_the_upstreams_work(port: int, upstream: Upstream) -> None:
    upstream.always(stream("Hel", "lo").stall_after(2))
    with client(port).messages.create(**WELL, stream=True) as reading:
        next(iter(reading))
    assert until(lambda: upstream.requests[-1].aborted is not None)


# What is refused before anybody is asked.


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"[]", "object"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[]}', "messages"),
        (b'{"model":7,"messages":[{}]}', "model"),
        (
            b'{"model":"m","messages":[{"role":"user","content":[{"type":"hologram"}]}]}',
            "messages[0].content[0].type",
        ),
    ],
)
def test_a_body_that_is_no_request_is_refused_in_anthropics_shape(port: int, body: bytes, place: str) -> None:
    answer = ask(port, "POST", "/v1/messages", body)
    said = answer.json()
    assert (answer.status, said["type"], said["error"]["type"]) == (400, "error", "invalid_request_error")
    assert place in said["error"]["message"]


def test_a_name_that_nobody_knows_is_refused_in_anthropics_shape(port: int) -> None:
    with pytest.raises(anthropic.NotFoundError) as raised:
        client(port).messages.create(model="nobody", max_tokens=1, messages=HI)
    assert "nobody" in raised.value.message


@pytest.mark.parametrize("path", ["/v1/messages", "/anthropic/v1/messages", "/v1/messages/count_tokens"])
def test_refusals_of_every_kind_have_anthropics_shape(served: Callable[..., "Serving"], path: str) -> None:
    port = served("access: the-access-key-1").port
    wrong = ask(port, "POST", path, b"{}", x_api_key="sk-wrong-key-22")
    method = ask(port, "PUT", path, b"", x_api_key="the-access-key-1")
    foreign = ask(port, "POST", path, b"{}", host="evil.example")
    kinds = [
        (each.status, each.json()["type"], each.json()["error"]["type"]) for each in (wrong, method, foreign)
    ]
    assert kinds == [
        (401, "error", "authentication_error"),
        (405, "error", "invalid_request_error"),
        (403, "error", "permission_error"),
    ]


@pytest.mark.parametrize("header", ["x_api_key", "authorization"])
def test_the_key_may_stand_in_either_header(served: Callable[..., "Serving"], header: str) -> None:
    port = served("access: the-access-key-1").port
    value = "the-access-key-1" if header == "x_api_key" else "Bearer the-access-key-1"
    assert ask(port, "POST", "/v1/messages", json.dumps(WELL).encode(), **{header: value}).status == 200


def test_openais_clients_are_refused_in_their_own_shape(port: int) -> None:
    assert ask(port, "POST", "/v1/chat/completions", b"[]").json()["error"]["code"] is None


# Counting, and the list of models.


def test_tokens_are_estimated_where_the_upstream_cannot_count(port: int, upstream: Upstream) -> None:
    few = client(port).messages.count_tokens(model="m", messages=HI).input_tokens
    many = client(port).messages.count_tokens(
        model="m", messages=[{"role": "user", "content": "word " * 1000}]
    )
    assert few < 30
    assert 800 < many.input_tokens < 1300
    assert upstream.requests == []


def test_what_cannot_be_read_is_not_counted(port: int) -> None:
    body = json.dumps({**WELL, "messages": [{"role": "user", "content": 7}]}).encode()
    assert ask(port, "POST", "/v1/messages/count_tokens", body).status == 400


def test_models_are_listed_in_the_shape_of_who_asks(port: int) -> None:
    [model] = client(port).models.list().data
    assert (model.id, model.type, model.lifecycle) == ("m", "model", "active")
    assert look(port, "/anthropic/v1/models").json()["has_more"] is False
    assert look(port, "/v1/models").json()["object"] == "list"


def test_one_model_is_told_in_the_shape_of_who_asks(port: int) -> None:
    assert client(port).models.retrieve("m").display_name == "m"
    assert look(port, "/anthropic/v1/models/m").json()["type"] == "model"
    with pytest.raises(anthropic.NotFoundError):
        client(port).models.retrieve("nobody")


def test_what_chat_has_no_word_for_is_refused_when_only_a_chat_upstream_is_left(port: int) -> None:
    source = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    body = json.dumps({**WELL, "messages": [{"role": "user", "content": [source]}]}).encode()
    answer = ask(port, "POST", "/v1/messages", body)
    assert (answer.status, "messages[0].content[0].source.type" in answer.json()["error"]["message"]) == (
        400,
        True,
    )


def test_a_keep_alive_is_a_ping_once_the_message_has_begun(
    port: int, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.gateway.delivery.KEEP_ALIVE_SECONDS", 0.05)
    upstream.always(lambda _: stream("Hel", "lo").edited(lambda steps: [*steps[:2], 0.2, *steps[2:]]))
    answer = ask(port, "POST", "/v1/messages", json.dumps({**WELL, "stream": True}).encode())
    assert b"event: ping\n" in answer.body
    assert b": keep-alive" not in answer.body


def test_before_the_message_has_begun_it_is_a_comment(
    port: int, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("idetour.gateway.delivery.HOLD_SECONDS", 0.05)
    upstream.always(stream("Hello").late(0.2))
    answer = ask(port, "POST", "/v1/messages", json.dumps({**WELL, "stream": True}).encode())
    assert answer.body.startswith(b": keep-alive\n\nevent: message_start\n")
    assert b"event: ping" not in answer.body


def test_a_client_without_a_version_and_a_key_is_answered_too(port: int) -> None:
    assert ask(port, "POST", "/messages/", json.dumps(WELL).encode()).json()["type"] == "message"
