import json

import pytest
from openai.types.chat import ChatCompletion

from idetour.wire import raw
from idetour.wire.anthropic_whole import completion
from idetour.wire.messages_stream import NATIVE
from wire.messages_golden import each


@each("chat_whole")
def test_a_message_becomes_the_completion_that_the_golden_case_has(given: str, wanted: str) -> None:
    made = completion(given.encode(), created=1_700_000_000)
    assert json.loads(made) == json.loads(wanted)
    if b'"choices"' in made:
        ChatCompletion.model_validate_json(made)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"type":"error","error":{"type":"api_error"}}', b'{"type":"message"']
)
def test_what_is_no_message_goes_on_as_it_came(body: bytes) -> None:
    assert completion(body, created=1) == body


def test_the_message_itself_goes_along_where_it_is_wanted() -> None:
    body = b'{"type":"message","content":[{"type":"new_in_2027"}],"n":1.0}'
    assert bytes(raw.fields(completion(body, created=1, carry=True))[NATIVE]) == body


def test_arguments_stay_the_bytes_that_they_were() -> None:
    body = b'{"type":"message","content":[{"type":"tool_use","id":"t","name":"ls","input":{"n": 1.0}}]}'
    [choice] = json.loads(completion(body, created=1))["choices"]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"n": 1.0}'
