"""The pieces of tool calls: what upstreams make of them, and what goes on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idetour.wire import raw
from idetour.wire.calls import Calls


def passed(*pieces: Any, mend: bool = False) -> list[Any]:
    calls = Calls("x", mend=mend)
    return [json.loads(raw.encode(calls.piece(raw.fields(json.dumps(piece).encode())))) for piece in pieces]


def first(
    index: Any = 0, id: Any = "c1", name: str = "ls", arguments: Any = "", **more: Any
) -> dict[str, Any]:
    return {
        "index": index,
        "id": id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    } | more


def more(arguments: Any = "}", index: Any = 0, **rest: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}} | rest


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([first(id=None)], [first(id="call_x00")]),
        ([first(id="")], [first(id="call_x00")]),
        ([{"index": 0, "function": {"name": "ls"}}], [first(id="call_x00")]),
        ([first(type=None)], [first()]),
        ([first(index="0")], [first()]),
        ([first(index=1), more(index=1)], [first(), more()]),
        ([first(arguments={"a": [1]})], [first(arguments='{"a": [1]}')]),
        ([first(arguments=None), more(None)], [first(), more("")]),
        ([first(), more(id="c1"), more(id="")], [first(), more(), more()]),
        ([first(), first(arguments="{")], [first(), more("{", type="function")]),
        ([first(), first(id="c2", name="b")], [first(), first(1, "c2", "b")]),
        ([first(), first(id="c2", name="b"), more()], [first(), first(1, "c2", "b"), more(index=1)]),
        ([first(id=""), first(id="", name="b")], [first(id="call_x00"), first(1, "call_x01", "b")]),
        ([first(), first(index=1)], [first(), first(1, "call_x01")]),
        ([first(id=None), more(id="late")], [first(id="call_x00"), more()]),
        ([first(), first(1, "c2"), more("a"), more("b", 1)], [first(), first(1, "c2"), more("a"), more("b", 1)]),
    ],
)  # fmt: skip
def test_every_client_can_put_the_pieces_together(given: list[Any], wanted: list[Any]) -> None:
    assert passed(*given) == wanted


def test_pieces_without_an_index_belong_to_the_last_call_until_a_new_id_or_name() -> None:
    def without(piece: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in piece.items() if key != "index"}

    given = [first(), more(), first(id="c2"), more(), first(id=None, name="third")]

    assert [piece["index"] for piece in passed(*map(without, given))] == [0, 0, 1, 1, 2]


def test_a_name_that_comes_late_is_kept() -> None:
    given = [
        {"index": 0, "id": "c1", "type": "function"},
        {"index": 0, "function": {"name": "ls", "arguments": ""}},
    ]

    assert passed(*given)[1]["function"] == {"name": "ls", "arguments": ""}


def test_a_custom_tool_stays_one() -> None:
    given = [
        {"index": 0, "custom": {"name": "patch", "input": "a"}},
        {"index": 0, "custom": {"name": "patch", "input": "b"}},
    ]

    assert passed(*given) == [
        {"index": 0, "id": "call_x00", "type": "custom", "custom": {"name": "patch", "input": "a"}},
        {"index": 0, "custom": {"input": "b"}},
    ]


def test_what_else_a_piece_holds_stays() -> None:
    extra = {"google": {"thought_signature": "s"}}

    assert passed(first(extra_content=extra))[0]["extra_content"] == extra


def test_a_piece_that_is_right_is_not_touched() -> None:
    calls = Calls("x")
    piece = raw.fields(b'{"index": 0,"id":"c1","type":"function","function": { "name":"ls","arguments":"" }}')

    assert calls.piece(piece) is piece


@given(st.lists(st.fixed_dictionaries({}, optional={
    "index": st.sampled_from([0, 1, "1", None, 7]), "id": st.sampled_from(["a", "b", "", None, 3]),
    "function": st.none() | st.fixed_dictionaries({}, optional={"name": st.sampled_from(["f", "g", "", None]), "arguments": st.sampled_from(["", "{", "}", None, {}, 7])}),
})))  # fmt: skip
def test_whatever_comes_the_pieces_add_up_to_numbered_calls_with_one_id_each(pieces: list[Any]) -> None:
    said = passed(*pieces)
    ids = [piece["id"] for piece in said if "id" in piece]

    assert [piece["index"] for piece in said if "id" in piece] == list(range(len(ids)))
    assert len(set(ids)) == len(ids)
    assert passed(*said) == said


@pytest.mark.parametrize("mend", [True, False])
def test_arguments_are_mended_only_where_that_was_asked_for(mend: bool) -> None:
    assert passed(first(arguments='{"a": True}'), mend=mend)[0]["function"]["arguments"] == (
        '{"a": true}' if mend else '{"a": True}'
    )
