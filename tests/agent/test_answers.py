"""How answers look."""

import json

from idetour.agent.answers import refusal, success
from idetour.errors import BadRequest, RequestError


def test_success_and_error_have_their_shapes() -> None:
    error = BadRequest("no", param="task")

    assert json.loads(bytes(success(task_id="t").body)) == {"status": "success", "task_id": "t"}
    assert json.loads(bytes(refusal(error).body)) == {"status": "error", "error": "no", "param": "task"}
    assert refusal(error).status_code == 400


def test_a_traceback_is_shown_if_it_is_given() -> None:
    assert (
        "ValueError: x"
        in json.loads(bytes(refusal(RequestError("no"), cause=ValueError("x")).body))["traceback"]
    )


def test_headers_of_an_error_are_sent() -> None:
    assert refusal(RequestError("no", headers={"retry-after": "3"})).headers["retry-after"] == "3"
