"""What `/v1/responses` refuses, and answers that fail: each in the shape that OpenAI's clients know."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest

from endpoints.conftest import CANARY
from endpoints.responding import post
from endpoints.talk import ask, look
from idetour.endpoints.entry import TICKET, Entry
from upstream import Upstream, event, status, stream

if TYPE_CHECKING:
    from conftest import Serving


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


def test_an_intercepted_request_that_nobody_here_answers_goes_on_as_it_came(
    serving: Callable[..., "Serving"], profile_file: Callable[..., Path], free_port: int
) -> None:
    """Also one that only OpenAI could answer: it is not for us to refuse."""
    serving_it = serving(profile_file("models: {m: demo/hello}\npassthrough: true"))
    ticket = serving_it.gateway.app.tickets.issue(Entry(host=f"127.0.0.1:{free_port}", local=True))
    body = json.dumps({"model": "gpt-6", "conversation": "conv_1", "input": "Hi"}).encode()
    answer = ask(serving_it.port, "POST", "/v1/responses", body, **{TICKET.replace("-", "_"): ticket})

    assert (answer.status, answer.code) == (
        502,
        "upstream_unreachable",
    )  # it was on its way, and nobody listens
    assert answer.json()["error"]["message"].startswith(f"127.0.0.1:{free_port}: ")


def test_what_chat_cannot_say_is_refused_where_only_chat_is_spoken(
    bilingual: tuple[int, Upstream, Upstream],
) -> None:
    port, _, other = bilingual
    body = {"model": "m", "input": [{"type": "hologram"}]}
    answer = ask(port, "POST", "/v1/responses", json.dumps(body).encode())
    assert (answer.status, answer.json()["error"]["param"]) == (400, "input[0].type")
    assert other.requests == []
