"""The messages of a request, decoded no further than somebody asks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import turns

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def content(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def test_text_is_the_string_or_the_text_parts() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image_url"}, {"type": "input_text", "text": "two"}]

    assert turns.text(content("你好")) == "你好"
    assert turns.text(content(parts)) == "one\ntwo"


@pytest.mark.parametrize(
    "value", [None, 5, {}, [], [1], [{"type": "text", "text": 5}], [{"text": "no type"}]]
)
def test_what_is_no_text_is_empty(value: Any) -> None:
    assert turns.text(content(value)) == ""


def test_messages_without_end_are_refused() -> None:
    fields = {"messages": Raw(b"[%s{}]" % (b"{}," * turns.MOST))}
    with pytest.raises(BadRequest, match=r"`messages` holds more than 10,000"):
        turns.turns(fields)


def test_half_an_emoji_costs_no_more_than_itself() -> None:
    assert turns.text(Raw(rb'"cut \ud83d here"')) == "cut \N{REPLACEMENT CHARACTER} here"


def test_a_tools_result_in_a_users_message_is_no_text() -> None:
    result = [{"type": "tool_result", "content": "x"}]

    assert turns.text(content(result)) == ""
    assert turns.text(content([*result, {"type": "text", "text": "and now?"}])) == "and now?"


def test_pictures_are_counted_and_text_about_them_is_not() -> None:
    assert (
        turns.images(content([{"type": "image_url"}, {"type": "image"}, {"type": "text", "text": "image"}]))
        == 2
    )
    assert turns.images(content('{"type": "image_url"}')) == 0


@pytest.mark.parametrize("tool", [{"type": "function", "function": {"name": "run"}}, {"name": "run"}])
def test_a_tool_has_its_name_in_either_protocol(tool: dict[str, Any]) -> None:
    assert turns.tools({"tools": content([tool, {}])}) == ("run",)


def test_messages_that_are_none_are_a_bad_request() -> None:
    for value in (5, ["x"], [{"role": 5}]):
        with pytest.raises(BadRequest) as error:
            turns.turns({"messages": content(value)})
        assert error.value.param == "messages"


@given(values)
def test_no_value_breaks_a_reader(value: Any) -> None:
    raw = content(value)

    turns.text(raw), turns.images(raw), turns.string(raw), turns.any_members(raw), turns.tools({"tools": raw})
