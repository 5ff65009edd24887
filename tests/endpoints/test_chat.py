"""`POST /v1/chat/completions` from the wire to the upstream and back."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from endpoints.conftest import CANARY
from endpoints.talk import HELLO, ask, chat
from idetour.wire.chat import LONGEST_NAME
from upstream import Upstream, stream, until

if TYPE_CHECKING:
    from conftest import Serving


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/chat/completions", "/", "/v1/v1/chat/completions/"]
)
def test_it_answers_wherever_it_is_asked(port: int, path: str) -> None:
    answer = chat(port, path=path)
    assert (answer.status, answer.json()["choices"][0]["message"]["content"]) == (200, "Hello, world")
    assert answer.headers["x-idetour-target"] == "up/model"


def test_the_upstream_gets_chat_alone_whatever_an_ide_has_put_into_the_body(
    port: int, upstream: Upstream
) -> None:
    schema = {"type": "object", "properties": {}}
    answer = chat(port, tools=[{"name": "f", "input_schema": schema}], system="Be brief.")
    sent = upstream.requests[-1].json()

    assert answer.status == 200
    assert sent["tools"] == [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "system" not in sent


def test_a_stream_has_no_length_and_ends_with_done(port: int) -> None:
    answer = chat(port, stream=True)
    assert (answer.headers["transfer-encoding"], "content-length" in answer.headers) == ("chunked", False)
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_request_without_a_model_is_for_the_route_default(served: Callable[..., "Serving"]) -> None:
    port = served("routes: {default: [{use: m}]}").port
    body = json.dumps({"messages": HELLO["messages"]}).encode()
    answer = ask(port, "POST", "/v1/chat/completions", body)
    assert (answer.status, answer.json()["model"]) == (200, "default")


def test_and_is_refused_where_there_is_none(port: int) -> None:
    answer = ask(port, "POST", "/v1/chat/completions", json.dumps({"messages": HELLO["messages"]}).encode())
    assert (answer.status, answer.json()["error"]["param"]) == (400, "model")


def test_at_the_root_somebody_answers_without_a_model_and_without_a_route(port: int) -> None:
    answer = ask(port, "POST", "/", json.dumps({"messages": HELLO["messages"]}).encode())
    assert (answer.status, answer.headers["x-idetour-target"]) == (200, "up/model")


@pytest.mark.parametrize("model", [None, "", 7, "x" * (LONGEST_NAME + 1), "x" * 1_000_000])
def test_a_model_that_is_no_name_is_refused_even_then(
    served: Callable[..., "Serving"], model: object
) -> None:
    answer = chat(served("routes: {default: [{use: m}]}").port, model=model)
    assert (answer.status, answer.json()["error"]["param"], len(answer.body) < 300) == (400, "model", True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model": "m"}', b"\xff", b"null", b"[" * 100_000])
def test_a_body_that_is_no_request_is_refused_in_openais_shape(port: int, body: bytes) -> None:
    answer = ask(port, "POST", "/v1/chat/completions", body)
    assert (answer.status, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_request_is_recorded_by_its_door_and_its_end(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    serving = served()
    upstream.always(stream("Hello"))
    chat(serving.port, stream=True)
    [record] = serving.gateway.pipeline.recent
    assert until(lambda: record.outcome == "ok")
    assert (record.asked, record.door, str(record.target), record.usage is not None) == (
        "m",
        "direct",
        "up/model",
        True,
    )


def test_an_access_key_is_not_sent_to_an_upstream_that_wants_the_clients(
    served: Callable[..., "Serving"], upstream: Upstream
) -> None:
    serving = served()
    path = serving.gateway.watched.current.path
    path.write_text(
        f"upstreams: {{own: {{url: '{upstream.url}', key: client}}}}\nmodels: {{m: own/x}}\naccess: the-access-key-1"
    )
    assert until(lambda: "own" in serving.gateway.watched.current.upstreams)
    refused = chat(serving.port, headers={"authorization": "Bearer the-access-key-1"})
    answered = chat(serving.port, headers={"x-api-key": "the-access-key-1", "authorization": "Bearer typed"})
    assert (refused.status, answered.status) == (401, 200)
    sent = [request.header("authorization") for request in upstream.requests if request.method == "POST"]
    assert sent == ["Bearer typed"]
    assert CANARY not in str(sent)


def test_a_rule_sees_path_key_and_words_of_a_request(served: Callable[..., "Serving"]) -> None:
    port = served(
        "access: [sk-access-key-1234]\nroutes:\n  r:\n"
        "    - { when: { path: /chat/completions, client: …1234, says: 重构, kind: chat }, use: m }\n"
        "    - demo/hello"
    ).port
    key = {"authorization": "Bearer sk-access-key-1234"}
    messages = [{"role": "user", "content": "请重构"}]
    met, other = (
        chat(port, path=path, model="r", messages=messages, headers=key)
        for path in ("/chat/completions", "/v1/chat/completions")
    )

    assert [each.headers["x-idetour-target"] for each in (met, other)] == ["up/model", "demo/hello"]
