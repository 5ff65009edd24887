import json

import pytest
from openai.types.responses import Response

from idetour.wire import raw
from idetour.wire.fault import Fault
from idetour.wire.responses_object import failure, frame
from idetour.wire.usage import Usage


def test_the_sdk_reads_every_state_of_a_response() -> None:
    made = frame("resp_1", {"metadata": raw.of({"a": "b"}), "tools": raw.NULL}, model="m", created=1)
    failed = made.response("failed", error={"code": "server_error", "message": "no"})
    cut = made.response("incomplete", incomplete_details={"reason": "max_output_tokens"})

    for body in (made.response("in_progress"), made.response("completed", usage=Usage(1, 2, 3)), failed, cut):
        assert Response.model_validate_json(body).id == "resp_1"


def test_a_response_repeats_what_was_asked_and_says_the_rest() -> None:
    said = json.loads(
        frame("resp_1", {"instructions": raw.of("Hi")}, model="m", created=7).response("completed")
    )

    assert (said["instructions"], said["model"], said["created_at"]) == ("Hi", "m", 7)
    assert (
        said["tools"],
        said["tool_choice"],
        said["store"],
        said["truncation"],
    ) == ([], "auto", True, "disabled")


def test_both_details_of_the_usage_are_always_there() -> None:
    said = json.loads(
        frame("resp_1", {}, model="m", created=7).response("completed", usage=Usage(20, 15, 35))
    )

    assert said["usage"]["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}
    assert said["usage"]["output_tokens_details"] == {"reasoning_tokens": 0}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("x", "server_error", "upstream_error"), "server_error"),
        (Fault("x", None, None), "server_error"),
        (Fault("x", "rate_limit_error", "429"), "rate_limit_exceeded"),
        (Fault("x", "invalid_request_error", "unsupported_value"), "invalid_prompt"),
        (Fault("x", "invalid_request_error", "context_length_exceeded"), "context_length_exceeded"),
        (Fault("x", "insufficient_quota", "insufficient_quota"), "insufficient_quota"),
    ],
)
def test_a_failure_has_a_code_that_clients_act_on(fault: Fault, code: str) -> None:
    assert {"code": code, "message": "x"} == failure(fault)
