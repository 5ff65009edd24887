import json
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.wire import chat

MESSAGES = '[{"role": "user", "content": "hi"}]'


def body(**fields: Any) -> bytes:
    said = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]} | fields
    return json.dumps({key: value for key, value in said.items() if value is not ...}).encode()


def refusal(of: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as refused:
        chat.read(of)
    assert refused.value.status == 400
    return refused.value


def test_what_the_gateway_needs_is_read() -> None:
    request = chat.read(body(stream=True, stream_options={"include_usage": True}))

    assert (request.model, request.stream, request.include_usage) == ("gpt-4o", True, True)


@pytest.mark.parametrize("options", [..., None, {}, {"include_usage": None}, {"include_usage": False}])
def test_usage_is_not_included_unless_asked_for(options: Any) -> None:
    assert chat.read(body(stream=None, stream_options=options)).include_usage is False


def test_unknown_fields_survive_byte_for_byte() -> None:
    sent = b'{"x":{ "n" : 1.50e+1 ,"t":"\\u00e9"},"model":"m","messages":[ {} ],"y":-0}'

    assert chat.write(chat.read(sent).fields) == sent


def test_the_last_of_duplicate_keys_counts() -> None:
    assert chat.read(b'{"model":"a","messages":[{}],"model":"b"}').model == "b"


def test_messages_are_parsed_when_asked_for() -> None:
    assert chat.messages(chat.read(body())) == [{"role": "user", "content": "hi"}]


def test_messages_that_are_no_objects_are_refused_with_their_place() -> None:
    with pytest.raises(BadRequest, match=r"`messages` must be a list of objects: .*\$\[1\]"):
        chat.messages(chat.read(body(messages=[{}, 5])))


@pytest.mark.parametrize(
    ("fields", "param", "sentence"),
    [
        ({"model": ...}, "model", "`model` is missing: it must be a string"),
        ({"model": None}, "model", "`model` must be a string, not null"),
        ({"model": 4}, "model", "`model` must be a string, not a number"),
        ({"model": ""}, "model", "`model` is empty: name the model that is to answer"),
        ({"messages": ...}, "messages", "`messages` is missing: it must be a list"),
        ({"messages": "hi"}, "messages", "`messages` must be a list, not a string"),
        ({"messages": {}}, "messages", "`messages` must be a list, not an object"),
        ({"messages": []}, "messages", "`messages` is empty: there is nothing to answer"),
        ({"stream": "yes"}, "stream", "`stream` must be true or false, not a string"),
        ({"stream": 1}, "stream", "`stream` must be true or false, not a number"),
        ({"stream_options": []}, "stream_options", "`stream_options` must be an object, not a list"),
        (
            {"stream_options": {"include_usage": 1}},
            "include_usage",
            "`include_usage` must be true or false, not a number",
        ),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str, sentence: str) -> None:
    error = refusal(body(**fields))

    assert (error.param, error.message) == (param, sentence)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b'{"model": "m",\n "messages": [1,]}', "trailing comma in array at line 2, column 17 (byte 31)"),
        ('{"é": 1, x}'.encode(), "object keys must be strings at line 1, column 10 (byte 10)"),
        (b'{"a": NaN}', "invalid character at line 1, column 7 (byte 6)"),
        (b'{"model":\n"m', "Input data was truncated at line 2, column 3 (byte 12)"),
        (b"", "Input data was truncated at line 1, column 1 (byte 0)"),
    ],
)
def test_broken_json_is_shown_with_its_place(sent: bytes, sentence: str) -> None:
    assert refusal(sent).message == f"The body is not valid JSON: {sentence}"


def test_a_body_that_is_no_object_is_refused() -> None:
    assert refusal(b"[1]").message == "The body must be a JSON object (Expected `object`, got `array`)"


def test_a_body_that_is_not_utf8_is_refused_with_its_place() -> None:
    sent = b'{"model":"m",\n"messages":["\xff"]}'

    assert refusal(sent).message == "The body is not UTF-8: line 2, column 14 (byte 27) is invalid start byte"


def test_a_body_with_members_without_end_is_refused() -> None:
    members = {f"field-{number}": 1 for number in range(chat.MOST_MEMBERS)}
    with pytest.raises(BadRequest, match="more than 1,000 members"):
        chat.read(json.dumps({"model": "m", "messages": [{}], **members}).encode())


def test_a_body_nested_without_end_is_refused() -> None:
    assert "nested too deeply" in refusal(b'{"a":' + 100_000 * b"[").message


def test_an_emoji_that_the_editor_cut_in_two_is_no_reason_to_refuse() -> None:
    request = chat.read(b'{"model":"m","messages":[{"role":"user","content":"cut \\ud83d"}]}')

    assert chat.messages(request)[0]["content"] == "cut \ufffd"
