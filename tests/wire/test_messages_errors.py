import json

import pytest

from idetour.errors import (
    BadRequest,
    Forbidden,
    LoopDetected,
    NotAllowed,
    NotFound,
    RequestError,
    TooLarge,
    Unauthorized,
    UpstreamError,
    openai_body,
)
from idetour.wire import sse
from idetour.wire.messages_errors import TOO_LONG, answer, body, event


@pytest.mark.parametrize(
    ("error", "status", "type"),
    [
        (BadRequest("x"), 400, "invalid_request_error"),
        (Unauthorized("x"), 401, "authentication_error"),
        (Forbidden("x"), 403, "permission_error"),
        (NotFound("x", code="model_not_found"), 404, "not_found_error"),
        (NotAllowed("x"), 405, "invalid_request_error"),
        (TooLarge("x"), 413, "request_too_large"),
        (LoopDetected("x"), 508, "api_error"),
        (RequestError("x", code="internal_error"), 500, "api_error"),
        (UpstreamError("x"), 502, "api_error"),
        (UpstreamError("x", status=402, type="billing_error"), 402, "billing_error"),
        (UpstreamError("x", status=422, type="invalid_request_error"), 422, "invalid_request_error"),
        (
            UpstreamError("x", status=429, type="rate_limit_error", code="rate_limit_exceeded"),
            429,
            "rate_limit_error",
        ),
        (
            UpstreamError("x", status=429, type="rate_limit_error", code="insufficient_quota"),
            429,
            "rate_limit_error",
        ),
        (UpstreamError("x", status=503, code="overloaded"), 529, "overloaded_error"),
        (UpstreamError("x", status=503), 529, "overloaded_error"),
        (UpstreamError("x", status=504, code="upstream_timeout"), 504, "timeout_error"),
        (BadRequest("x", status=408, code="request_timeout"), 408, "timeout_error"),
    ],
)
def test_an_error_keeps_its_meaning(error: RequestError, status: int, type: str) -> None:
    told, said = answer(openai_body(error), error.status, "req_1")
    assert told == status
    assert json.loads(said) == {
        "type": "error",
        "error": {"type": type, "message": "x"},
        "request_id": "req_1",
    }


def test_claude_code_learns_that_the_conversation_is_too_long() -> None:
    error = UpstreamError("maximum context length is 8192", status=400, code="context_length_exceeded")
    said = json.loads(body(error))["error"]
    assert said == {"type": "invalid_request_error", "message": f"{TOO_LONG}: maximum context length is 8192"}


def test_an_upstream_that_says_so_itself_is_not_repeated() -> None:
    error = UpstreamError("prompt is too long: 9 tokens", status=400, code="context_length_exceeded")
    assert json.loads(body(error))["error"]["message"] == "prompt is too long: 9 tokens"


def test_the_field_is_named_where_the_message_does_not_name_it() -> None:
    said = [
        json.loads(body(BadRequest(words, param="top_k")))["error"]["message"]
        for words in ("no", "`top_k` no")
    ]
    assert said == ["top_k: no", "`top_k` no"]


def test_inside_a_stream_the_event_has_its_name() -> None:
    [read] = sse.Reader().feed(event(openai_body(UpstreamError("x", type="overloaded_error"))))
    assert (read.name, json.loads(read.data)["error"]["type"]) == (b"error", "overloaded_error")


@pytest.mark.parametrize("said", [b"", b"null", b"<html>", b'{"error":{}}'])
def test_an_error_without_words_still_says_something(said: bytes) -> None:
    assert json.loads(answer(said, 500)[1])["error"]["message"]
