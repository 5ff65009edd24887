"""`/api/chat` and `/api/claude` as scripts use them."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from endpoints.talk import Answer, ask
from idetour.endpoints.chat import usual
from idetour.profile import Profile
from upstream import Upstream, call, reply, status, stream, think, until, whole

if TYPE_CHECKING:
    from conftest import Serving

HELLO = [{"role": "user", "content": "你好，请简单介绍一下自己"}]
CODE = [{"role": "user", "content": "请看这段代码"}]
ROUTES = "routes: {claude-3-opus: [{use: up/opus}], cursor: [{use: up/cursor}], default: [{use: up/usual}]}"


def send(port: int, path: str = "/api/chat", **fields: Any) -> Answer:
    return ask(
        port,
        "POST",
        path,
        json.dumps({"messages": HELLO, **fields}).encode(),
        content_type="application/json",
    )


def posted(upstream: Upstream) -> list[dict[str, Any]]:
    return [request.json() for request in upstream.requests if request.method == "POST"]


@pytest.mark.parametrize(("messages", "model"), [(HELLO, "opus"), (CODE, "cursor")])
def test_a_script_gets_one_flat_answer_from_the_model_that_its_rules_chose(
    served: Callable[..., "Serving"], upstream: Upstream, messages: list[Any], model: str
) -> None:
    upstream.always(reply("我是", "一个模型"))
    rules = [{"pattern": "代码", "model": "cursor"}]
    options: dict[str, Any] = {"max_tokens": 500, "temperature": 0.7, "routing_rules": rules}
    answer = send(served(ROUTES).port, model="claude-3-opus", messages=messages, **options)
    said = answer.json()

    assert (answer.status, said["content"], said["role"]) == (200, "我是一个模型", "assistant")
    assert (said["_actual_model_used"], said["_attempts"], said["finish_reason"]) == (
        f"up/{model}",
        1,
        "stop",
    )
    assert said["usage"]["total_tokens"] == 12
    assert answer.headers["x-idetour-target"] == f"up/{model}"
    assert answer.headers["x-idetour-request-id"].startswith("req_")
    [sent] = posted(upstream)
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == (model, 500, 0.7)
    assert "routing_rules" not in sent


def test_rules_see_what_the_user_said_last_and_nothing_else(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    history = [{"role": "system", "content": "代码"}, *CODE, {"role": "assistant", "content": "代码"}, *HELLO]
    rules = [{"pattern": "代码", "model": "cursor"}]
    said = send(served(ROUTES).port, messages=history, routing_rules=rules).json()

    assert (said["model"], said["_actual_model_used"]) == ("default", "up/usual")


def test_a_rule_for_a_model_that_nobody_knows_is_told_when_it_fits(served: Callable[..., "Serving"]) -> None:
    port = served().port
    rules = [{"pattern": "代码", "model": "nowhere"}]
    missed, fitting = (send(port, model="m", messages=each, routing_rules=rules) for each in (HELLO, CODE))

    assert missed.status == 200
    assert (fitting.status, fitting.code) == (404, "model_not_found")


def test_without_a_model_the_first_that_can_answer_does(served: Callable[..., "Serving"]) -> None:
    assert send(served().port).json()["_actual_model_used"] == "up/model"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("models: {a: demo/hello}\nroutes: {r: [{use: a}], default: [{use: a}]}", "default"),
        (
            "models: {a: demo/hello, b: nim/x, c: local/x}\nupstreams: {local: {url: 'http://127.0.0.1:9/v1'}}",
            "c",
        ),
        ("models: {a: nim/x, b: demo/hello}", "b"),
        ("models: {a: nim/x}", "a"),
        (
            "upstreams: {local: {url: 'http://127.0.0.1:9/v1'}}\n"
            "routes: {r: [{use: demo/hello}], s: [{use: demo/hello, else: [local/x]}]}",
            "s",
        ),
        ("models: {a: demo/hello, c: nim/x}\nroutes: {r: [{use: a, else: [c]}], s: [{use: c}]}", "r"),
    ],
)
def test_who_is_asked_where_nobody_is_named(profiles: Callable[..., Profile], text: str, name: str) -> None:
    assert usual(profiles(text), {}) == name


def test_fallback_is_told_in_the_answer(served: Callable[..., "Serving"], upstream: Upstream) -> None:
    upstream.then(status(503), status(503), asked="first")
    said = send(served("routes: {r: [{use: up/first, else: [up/second]}]}").port, model="r").json()

    assert said["_actual_model_used"] == "up/second"
    assert said["_attempts"] > 1


def test_what_the_model_said_is_passed_on_as_it_came(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    text = "\u2028 \\u0000 😀 \\ud83d </script>"
    upstream.always(whole(text))

    assert send(served().port).json()["content"] == text


def test_tool_calls_and_reasoning_are_there_when_the_model_gave_them(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    message = {"role": "assistant", "content": None, "reasoning_content": "hm"}
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    upstream.then(
        whole({"choices": [{"message": {**message, "tool_calls": calls}, "finish_reason": "tool_calls"}]}),
        reply("plain"),
    )
    port = served().port
    said, plain = send(port).json(), send(port).json()

    assert (said["content"], said["tool_calls"], said["reasoning"]) == (None, calls, "hm")
    assert said["finish_reason"] == "tool_calls"
    assert not {"tool_calls", "reasoning"} & plain.keys()


def test_a_stream_is_the_ordinary_one(served: Callable[..., "Serving"], upstream: Upstream) -> None:
    upstream.always(stream(think("hm"), "Hel", "lo", *call("f", {})))
    answer = send(served().port, stream=True)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-idetour-target"] == "up/model"
    assert answer.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("path", ["/api/chat", "/api/claude"])
def test_both_are_recorded_and_stop_when_the_client_leaves(
    served: Callable[..., "Serving"], upstream: Upstream, path: str
) -> None:
    from endpoints.talk import Line, request
    from upstream import stall_before_headers

    serving = served()
    upstream.always(stall_before_headers())
    with Line(serving.port) as line:
        line.send(request("POST", path, json.dumps({"model": "m", "messages": HELLO}).encode()))
        assert until(lambda: posted(upstream))
    [record] = serving.gateway.pipeline.recent
    assert until(lambda: record.outcome == "left")
    assert until(lambda: upstream.open == 0)


@pytest.mark.parametrize("path", ["/api/chat", "/api/claude"])
def test_an_access_key_is_asked_for_here_too(served: Callable[..., "Serving"], path: str) -> None:
    assert send(served("access: the-access-key-1").port, path).status == 401


def test_an_error_of_the_upstream_keeps_its_status_and_words(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    upstream.always(status(429, retry_after="7"))
    answer = send(served().port)

    assert (answer.status, answer.code) == (429, "rate_limit_exceeded")
    assert "upstream says 429" in answer.json()["error"]["message"]
    assert answer.headers["x-should-retry"] == "false"


# Claude's shape.


def test_a_message_in_claudes_shape_gets_one_back(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    blocks = [
        {"type": "text", "text": "one"},
        {"type": "text", "text": "two", "cache_control": {"type": "x"}},
    ]
    turns = [{"role": "user", "content": blocks}, {"role": "assistant", "content": "so"}, *HELLO]
    answer = send(
        served().port,
        "/api/claude",
        model="m",
        system=[{"type": "text", "text": "Be brief."}],
        messages=turns,
        max_tokens=100,
        stop_sequences=["END"],
    )
    said = answer.json()

    assert said.pop("id").startswith("msg_")
    assert said == {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "Hello, world"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 3,
        },
        "_actual_model_used": "up/model",
        "_attempts": 1,
    }
    [sent] = posted(upstream)
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one\n\ntwo"},
        {"role": "assistant", "content": "so"},
        *HELLO,
    ]
    assert (sent["max_tokens"], sent["stop"]) == (100, ["END"])


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), (None, "end_turn")],
)
def test_why_it_ended_is_said_in_claudes_words(
    served: Callable[..., "Serving"], upstream: Upstream, finish: str | None, reason: str
) -> None:
    choice = {"message": {"role": "assistant", "content": "x"}, "finish_reason": finish}
    upstream.always(whole({"choices": [choice]}))

    assert send(served().port, "/api/claude", model="m").json()["stop_reason"] == reason


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tools": [{"name": "f"}]}, "`tools`"),
        ({"thinking": {"type": "enabled"}}, "`thinking`"),
        ({"stream": True}, "`stream`"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "`messages[0].content[0]` is of type 'image'"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "'tool_result'"),
        ({"system": [IMAGE]}, "`system[0]`"),
    ],
)
def test_what_it_does_not_speak_is_refused_by_name(
    served: Callable[..., "Serving"], upstream: Upstream, fields: dict[str, Any], named: str
) -> None:
    answer = send(served().port, "/api/claude", model="m", **fields)
    said = answer.json()

    assert (answer.status, said["type"], said["error"]["type"]) == (400, "error", "invalid_request_error")
    assert named in said["error"]["message"]
    assert "/v1/messages" in said["error"]["message"]
    assert posted(upstream) == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"{}", b"\xff", b'{"messages": []}', b'{"messages": [1]}', b"[" * 9999]
)
def test_what_is_no_message_is_refused_in_claudes_shape(port: int, body: bytes) -> None:
    answer = ask(port, "POST", "/api/claude", body)

    assert (answer.status, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("code", "type"), [(429, "rate_limit_error"), (503, "overloaded_error"), (500, "api_error")]
)
def test_an_upstreams_error_is_one_of_claudes(
    served: Callable[..., "Serving"], upstream: Upstream, code: int, type: str
) -> None:
    upstream.always(status(code))
    answer = send(served().port, "/api/claude", model="m")

    assert answer.json()["error"]["type"] == type
    assert f"upstream says {code}" in answer.json()["error"]["message"]
    assert int(answer.headers["x-idetour-attempts"]) >= 1


def test_so_is_one_of_who_may_ask(served: Callable[..., "Serving"]) -> None:
    answer = send(served("access: the-access-key-1").port, "/api/claude")

    assert (answer.status, answer.json()["type"]) == (401, "error")
    assert answer.json()["error"]["type"] == "authentication_error"


def test_a_model_that_nobody_knows_is_not_found_in_claudes_shape(port: int) -> None:
    answer = send(port, "/api/claude", model="nope")

    assert (answer.status, answer.json()["error"]["type"]) == (404, "not_found_error")
