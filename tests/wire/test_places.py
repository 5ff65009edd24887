import json
from collections.abc import Callable

import pytest
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.places import blocks, calls, joined, members, objects, text, word
from idetour.wire.turns import MOST


@pytest.mark.parametrize(
    ("read", "place"),
    [
        (lambda: objects(Raw(b"{}"), "messages"), "messages"),
        (lambda: objects(Raw(b"[{},1]"), "messages"), "messages[1]"),
        (lambda: objects(Raw(b"[%s1]" % (b"1," * MOST)), "tools"), "tools"),
        (lambda: members(Raw(b"[]"), "tools[0].input_schema"), "tools[0].input_schema"),
        (lambda: text({"a": Raw(b"1")}, "a", "messages[0]"), "messages[0].a"),
        (lambda: word({}, "type", "messages[0].content[2]"), "messages[0].content[2].type"),
        (lambda: blocks(Raw(b"7"), "system"), "system"),
    ],
)
def test_a_refusal_names_the_place(read: Callable[[], object], place: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read()
    assert (refused.value.param, refused.value.message.startswith(f"`{place}` ")) == (place, True)


def test_a_string_is_one_block_and_null_is_none() -> None:
    assert blocks(Raw(b'"hi"'), "system") == [{"type": Raw(b'"text"'), "text": Raw(b'"hi"')}]
    assert blocks(raw.NULL, "system") == []


def test_strings_are_joined_without_being_decoded() -> None:
    assert joined([Raw(rb'"a\ud83d"'), Raw(rb'"\ude00\/b"')], rb"\n") == Raw(rb'"a\ud83d\n\ude00\/b"')
    assert joined([]) == raw.EMPTY_TEXT


def test_calls_come_with_their_places_and_the_oldest_kind_is_one() -> None:
    message = raw.fields(b'{"tool_calls":[{"id":"a"},{"id":"b"}],"function_call":{"name":"f"}}')
    found = [(json.loads(raw.encode(call)), place) for call, place in calls(message, "messages[1]")]

    assert found == [
        ({"id": "a"}, "messages[1].tool_calls[0]"),
        ({"id": "b"}, "messages[1].tool_calls[1]"),
        ({"function": {"name": "f"}}, "messages[1]"),
    ]
