import json

import pytest
from anthropic.types import Message

from idetour.errors import UpstreamError
from idetour.wire import raw
from idetour.wire.messages_stream import NATIVE
from idetour.wire.messages_whole import input_of, message
from wire.messages_golden import each


def told(body: bytes) -> str:
    names = {"short_name": "the_long_name"}
    try:
        said = message(body, model="asked", id="msg_ours", names=names, stops=["END"], estimate=11)
    except UpstreamError as error:
        return error.message
    Message.model_validate_json(said)
    return said.decode()


@each("whole")
def test_a_completion_becomes_the_message_that_the_golden_case_has(given: str, wanted: str) -> None:
    said = told(given.encode())
    assert (json.loads(said) if said.startswith("{") else said) == (
        json.loads(wanted) if wanted.startswith("{") else wanted
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nonsense", b'{"choices":[]}', b'{"choices":7}'])
def test_what_is_no_completion_is_an_error(body: bytes) -> None:
    assert "no completion" in told(body)


def test_arguments_stay_the_bytes_that_they_were() -> None:
    arguments = '{"n": 1.0, "big": 12345678901234567890, "e": 1E3, "s": "\\u00e9"}'
    assert bytes(input_of(raw.of(arguments))).decode() == arguments


def test_a_message_that_came_along_goes_on_under_the_asked_name() -> None:
    native = {"type": "message", "model": "claude-x", "content": [{"type": "new_in_2027"}], "odd": [1]}
    body = raw.encode({"choices": [], NATIVE: native})
    assert json.loads(told_raw(body)) == native | {"model": "asked"}


def told_raw(body: bytes) -> bytes:
    return message(body, model="asked", id="msg_ours")
