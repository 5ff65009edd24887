import json

import pytest

from idetour.errors import BadRequest
from idetour.wire import responses, turns
from idetour.wire.responses_store import Store
from wire.responses_golden import REQUESTS, Case, asked


def read(**fields: object) -> responses.ResponsesRequest:
    return responses.read(json.dumps({"model": "m", "input": "Hi"} | fields).encode(), Store())


@pytest.mark.parametrize("case", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_becomes_what_the_golden_case_says(case: Case) -> None:
    assert case.expected == asked(case.given)


def test_text_goes_on_byte_for_byte() -> None:
    said = rb'"\u4f60\/ \ud83d\ude00 ' + "你好\u2028".encode() + b'"'
    body = b'{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":%b}]}]}' % said
    messages = responses.read(body, Store()).chat.fields["messages"]

    assert b'[{"role":"user","content":%b}]' % said == bytes(messages)


def test_arguments_go_on_byte_for_byte() -> None:
    arguments = rb'"{ \"a\" : 1.0, \u0022b\u0022:\"\\u00e9\"}"'
    call = b'{"type":"function_call","call_id":"c","name":"f","arguments":%b}' % arguments
    output = b'{"type":"function_call_output","call_id":"c","output":""}'
    body = b'{"model":"m","input":[%b,%b]}' % (call, output)

    assert b'"arguments":' + arguments + b"}" in bytes(responses.read(body, Store()).chat.fields["messages"])


def test_a_request_is_kept_unless_it_says_no() -> None:
    assert [read().store, read(store=None).store, read(store=False).store] == [True, True, False]


def test_reasoning_is_sealed_for_clients_that_ask_for_it() -> None:
    assert read(include=["reasoning.encrypted_content"]).sealed
    assert not read(include=None).sealed


def test_a_model_that_is_not_named_is_the_default() -> None:
    assert responses.read(b'{"input":"Hi"}', Store(), default="default").chat.model == "default"


def test_what_was_said_before_comes_first() -> None:
    store = Store()
    answer = {"role": "assistant", "type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    store.keep("resp_1", json.dumps({"output": [answer]}).encode(), read(input="Hi").items, None)
    body = {"model": "m", "input": "Again", "previous_response_id": "resp_1", "instructions": "Be brief."}
    request = responses.read(json.dumps(body).encode(), store)
    messages = json.loads(bytes(request.chat.fields["messages"]))

    assert [message["content"] for message in messages] == ["Be brief.", "Hi", "Hello", "Again"]
    assert request.previous == "resp_1"
    assert len(request.items) == 1


def test_a_call_that_was_left_open_before_is_said_to_be_there() -> None:
    store = Store()
    call = {"type": "function_call", "call_id": "call_1", "name": "ls", "arguments": "{}"}
    store.keep("resp_1", json.dumps({"output": [call]}).encode(), read(input="Hi").items, None)
    body = {"model": "m", "input": "Again", "previous_response_id": "resp_1"}

    refused = responses.read(json.dumps(body).encode(), store).chat.refusal

    assert refused
    assert "holds the call 'call_1', and no item brings its output" in refused.message
    assert refused.param == "previous_response_id"


def test_what_chat_cannot_say_waits_for_who_is_asked() -> None:
    """An upstream that speaks Responses may know it; the rules of a route can still look at what was said."""
    request = read(input=[{"role": "user", "content": "Hi"}, {"type": "hologram"}]).chat

    assert request.refusal
    assert request.refusal.param == "input[1].type"
    assert [turn.role for turn in turns.turns(request.fields)] == ["user", ""]
    assert json.loads(bytes(request.native["input"]))[1] == {"type": "hologram"}


def test_a_request_that_nobody_can_answer_is_refused_at_once() -> None:
    with pytest.raises(BadRequest, match="`background`"):
        read(background=True)


def test_an_item_is_found_by_its_reference() -> None:
    store = Store()
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "ls", "arguments": "{}"}
    store.keep("resp_1", json.dumps({"output": [call]}).encode(), [], None)
    output = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    body = {"model": "m", "input": [{"type": "item_reference", "id": "fc_1"}, output]}
    messages = json.loads(bytes(responses.read(json.dumps(body).encode(), store).chat.fields["messages"]))

    assert [each["id"] for each in messages[0]["tool_calls"]] == ["call_1"]


@pytest.mark.parametrize("body", [b'{"model":7}', b"{", b"[]", b'{"input":"a"}'])
def test_a_body_without_a_model_names_none(body: bytes) -> None:
    assert responses.model(body) == ""


def test_a_thousand_calls_are_read() -> None:
    calls = [
        {"type": "function_call", "call_id": f"c{n}", "name": "f", "arguments": "{}"} for n in range(1000)
    ]
    outputs = [
        {"type": "function_call_output", "call_id": f"c{n}", "output": ""} for n in reversed(range(1000))
    ]
    messages = json.loads(bytes(read(input=[*calls, *outputs]).chat.fields["messages"]))

    assert [f"c{n}" for n in range(1000)] == [message["tool_call_id"] for message in messages[1:]]
