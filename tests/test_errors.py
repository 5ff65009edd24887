"""Each error has its status, and looks to the asker as the asked protocol has it."""

import json

import pytest

from idetour import errors
from idetour.errors import NotFound, RequestError, SetupError, UpstreamError, openai_body, openai_event


@pytest.mark.parametrize(
    ("kind", "status", "type", "code"),
    [
        (errors.RequestError, 500, "server_error", None),
        (errors.BadRequest, 400, "invalid_request_error", None),
        (errors.Unauthorized, 401, "authentication_error", "invalid_api_key"),
        (errors.Forbidden, 403, "permission_error", "forbidden"),
        (errors.NotFound, 404, "invalid_request_error", "not_found"),
        (errors.NotAllowed, 405, "invalid_request_error", "method_not_allowed"),
        (errors.TooLarge, 413, "invalid_request_error", "request_too_large"),
        (errors.LoopDetected, 508, "server_error", "loop_detected"),
        (errors.UpstreamError, 502, "server_error", "upstream_error"),
    ],
)
def test_each_kind_has_a_status_a_type_and_a_code(
    kind: type[RequestError], status: int, type: str, code: str | None
) -> None:
    error = kind("what is so")

    assert (error.status, error.type, error.code) == (status, type, code)
    assert str(error) == error.message == "what is so"


def test_all_are_of_one_tree() -> None:
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]

    assert all(issubclass(each, errors.IdetourError) for each in kinds)
    assert not issubclass(SetupError, RequestError)
    assert all(each.__name__ in (errors.__doc__ or "") for each in kinds)


def test_one_error_may_say_more_than_its_kind() -> None:
    headers = {"retry-after": "7"}
    error = UpstreamError("busy", status=429, type="rate_limit_error", code="slow_down", headers=headers)
    error.headers["x"] = "y"

    assert (error.status, error.type, error.code) == (429, "rate_limit_error", "slow_down")
    assert headers == {"retry-after": "7"}
    assert UpstreamError.status == 502


def test_an_error_is_written_as_openai_writes_it() -> None:
    error = NotFound("没有 “gpt-9”\n", code="model_not_found", param="model")
    inner = {
        "message": "没有 “gpt-9”\n",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }

    assert json.loads(openai_body(error)) == {"error": inner}


def test_inside_a_stream_it_is_one_event_and_no_end() -> None:
    event = openai_event(NotFound("two\nlines\r\nand \u2028 one"))

    assert event.startswith(b"data: {")
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 2
    assert b"[DONE]" not in event
