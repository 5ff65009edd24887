import json

import pytest

from idetour.wire.responses_up_whole import completion, failure
from wire.up_golden import completed, each


@each("responses_up", "wholes")
def test_a_response_becomes_the_completion_that_the_golden_case_has(given: str, wanted: str) -> None:
    assert completion(given.encode()).decode() == wanted


def test_the_sdk_reads_the_completion() -> None:
    item = {"type": "function_call", "call_id": "c1", "name": "ls", "arguments": "{}"}
    response = {"object": "response", "id": "r", "created_at": 1, "model": "m", "output": [item]}
    made = completed(completion(json.dumps(response).encode()))
    assert (made["calls"], made["finish"]) == ([("ls", "{}")], "tool_calls")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":{"message":"no"}}', b'{"object":"list"}'])
def test_what_is_no_response_is_left_as_it_is(body: bytes) -> None:
    assert completion(body) == body


def test_a_response_that_is_carried_goes_along_untouched() -> None:
    body = b'{"object":"response","new_in_2027":[1.50],"output":[]}'
    assert json.loads(completion(body, carry=True))["x_responses"] == json.loads(body)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"type": "error", "code": "c", "message": "m", "param": "p"}, {"message": "m", "code": "c", "param": "p"}),
        ({"type": "error", "error": {"type": "t", "message": "m"}}, {"message": "m", "type": "t"}),
        ({"response": {"status": "cancelled"}}, {"message": "the response has ended as cancelled"}),
    ],
)  # fmt: skip
def test_each_shape_of_an_error_is_told_as_one(said: object, told: object) -> None:
    assert json.loads(failure(json.dumps(said).encode())) == {"error": told}
