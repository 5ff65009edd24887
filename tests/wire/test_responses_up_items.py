import json
from typing import Any

from msgspec import Raw

from idetour.wire.raw import of
from idetour.wire.responses_up_items import reasoning, translate


def items(*messages: Any) -> Any:
    return json.loads(bytes(of(translate(of(messages)))))["input"]


def test_text_and_arguments_go_on_byte_for_byte() -> None:
    said = rb'"\u4f60\/ \ud83d\ude00 ' + "你好\u2028".encode() + b'"'
    arguments = rb'"{ \"a\" : 1.0}"'
    call = b'{"id":"c","type":"function","function":{"name":"f","arguments":%b}}' % arguments
    body = b'[{"role":"user","content":%b},{"role":"assistant","tool_calls":[%b]}]' % (said, call)
    made = bytes(of(translate(Raw(body))))

    assert said in made
    assert b'"arguments":' + arguments in made


def test_a_thousand_calls_have_each_its_output() -> None:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(1000)
    ]
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": ""} for n in reversed(range(999))]
    made = items({"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": calls}, *results)

    called = [each["call_id"] for each in made if each["type"] == "function_call"]
    told = [each["call_id"] for each in made if each["type"] == "function_call_output"]
    assert sorted(called) == sorted(told)
    assert made[-1] == {"type": "function_call_output", "call_id": "c999", "output": "(no result)"}


def test_ids_that_come_again_are_told_apart() -> None:
    """Some upstreams count the calls of each answer from 0."""
    call = {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": "call_0"}
    twice = [
        {"role": "assistant", "tool_calls": [call, call]},
        {**result, "content": "a"},
        {**result, "content": "b"},
    ]
    made = items(*twice, {"role": "assistant", "tool_calls": [call]}, {**result, "content": "c"})

    ids = [each["call_id"] for each in made if each["type"] == "function_call"]
    outputs = {each["call_id"]: each["output"] for each in made if each["type"] == "function_call_output"}
    assert len({*ids}) == 3
    assert [outputs[id] for id in ids] == ["a", "b", "c"]


def test_an_empty_message_is_no_item() -> None:
    [said] = items({"role": "user", "content": "x"}, {"role": "assistant", "content": None})

    assert said["content"] == [{"type": "input_text", "text": "x"}]


def test_reasoning_that_is_not_sealed_cannot_be_sent_back() -> None:
    detail = {"type": "reasoning.summary", "summary": "hm", "format": "openai-responses-v1", "id": "rs_1"}
    assert reasoning({"reasoning_details": of([detail])}) == []


def test_two_thoughts_stay_two_items() -> None:
    details = [
        {"type": "reasoning.encrypted", "data": name, "format": "openai-responses-v1", "id": name}
        for name in ("one", "two")
    ]
    made = json.loads(bytes(of(reasoning({"reasoning_details": of(details)}))))
    assert [each["encrypted_content"] for each in made] == ["one", "two"]
