import json
from typing import Any

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import Assembly, Members, as_text


def assembled(*choices: dict[str, Any]) -> Any:
    assembly = Assembly()
    for choice in choices:
        assembly.add(raw.fields(json.dumps(choice).encode()))
    return json.loads(raw.encode(assembly.whole(0)))


def test_strings_and_lists_are_joined_without_being_parsed() -> None:
    members = Members({"text", "list"})
    for text, items in (
        (b'"a\\u00e9"', b"[1.0 , 2]"),
        (b"null", b"[]"),
        (b'"\\ud83d"', b"[ ]"),
        (b'"\\ude00"', b"[3]"),
    ):
        members.add("text", Raw(text))
        members.add("list", Raw(items))

    assert raw.encode(members.whole()) == b'{"text":"a\\u00e9\\ud83d\\ude00","list":[1.0 , 2,3]}'


def test_of_other_members_the_last_that_says_something_is_kept() -> None:
    members = Members()
    for value in (b'"a"', b'"b"', b'""', b"null"):
        members.add("key", Raw(value))

    assert members.whole() == {"key": Raw(b'"b"')}


def test_a_null_leaves_its_key() -> None:
    members = Members()
    members.add("refusal", raw.NULL)

    assert members.whole() == {"refusal": raw.NULL}


def test_a_signature_is_not_doubled() -> None:
    first = {"type": "reasoning.text", "text": "Hm", "format": "claude", "index": 0}
    more = {"type": "reasoning.text", "text": "m", "format": "claude", "signature": "Eq", "index": 0}
    choice = assembled({"delta": {"reasoning_details": [first]}}, {"delta": {"reasoning_details": [more]}})

    assert choice["message"]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hmm", "format": "claude", "index": 0, "signature": "Eq"}
    ]


def test_details_without_an_index_stay_apart() -> None:
    detail = {"type": "reasoning.encrypted", "data": "x"}
    choice = assembled(
        {"delta": {"reasoning_details": [detail, detail]}}, {"delta": {"reasoning_details": [detail]}}
    )

    assert choice["message"]["reasoning_details"] == [detail, detail, detail]


def test_a_call_that_lacks_an_id_or_arguments_gets_them() -> None:
    choice = assembled({"delta": {"tool_calls": [{"index": 0, "function": {"name": "ls"}}]}})

    assert choice["message"]["tool_calls"] == [
        {"id": "call_0", "type": "function", "function": {"name": "ls", "arguments": ""}}
    ]
    assert choice["finish_reason"] == "tool_calls"


def test_what_else_a_call_holds_is_kept() -> None:
    extra = {"google": {"thought_signature": "s"}}
    choice = assembled(
        {
            "delta": {
                "tool_calls": [{"index": 0, "id": "a", "extra_content": extra, "function": {"name": "ls"}}]
            }
        }
    )

    assert choice["message"]["tool_calls"][0]["extra_content"] == extra


def test_audio_is_appended() -> None:
    choice = assembled(
        {"delta": {"audio": {"id": "a", "data": "AA", "transcript": "Hel"}}},
        {"delta": {"audio": {"data": "BB", "transcript": "lo", "expires_at": 5}}},
    )

    assert choice["message"]["audio"] == {"id": "a", "data": "AABB", "transcript": "Hello", "expires_at": 5}


def test_odd_shapes_do_no_harm() -> None:
    odd = {
        "tool_calls": "x",
        "reasoning_details": {"a": 1},
        "function_call": [],
        "content": [1, {"type": "image"}],
    }

    assert assembled({"delta": odd, "logprobs": 3})["message"] == {"role": "assistant", "content": None}


def test_content_in_parts_becomes_one_text() -> None:
    parts = b'[{"type":"text","text":"a"},{"type":"thinking"},{"type":"text","text":"\\u00e9"}]'

    assert as_text(Raw(parts)) == Raw(b'"a\\u00e9"')
