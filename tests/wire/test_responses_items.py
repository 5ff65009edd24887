"""What the golden cases of tests/golden/wire/responses/requests do not show."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.responses_items import messages, read

CALL_IDS = st.sampled_from(["a", "b", "c"])
ITEMS = st.one_of(
    st.builds(
        lambda role, text: {"role": role, "content": text},
        st.sampled_from(["user", "assistant", "developer"]),
        st.text(max_size=3),
    ),
    st.builds(lambda id: {"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"}, CALL_IDS),
    st.builds(lambda id: {"type": "function_call_output", "call_id": id, "output": "x"}, CALL_IDS),
    st.just({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}),
    st.just({"type": "web_search_call", "id": "ws"}),
)


@given(st.lists(ITEMS, max_size=12))
def test_every_result_stands_right_behind_its_call(items: list[dict[str, object]]) -> None:
    """What strict upstreams insist on, in whatever order the items came, unless they are refused."""
    try:
        made = json.loads(raw.encode(messages([raw.of(item) for item in items], raw.NULL)))
    except BadRequest:
        return
    open: list[str] = []
    for message in made:
        if message["role"] == "tool":
            assert open.pop(0) == message["tool_call_id"]
            continue
        assert open == []
        open = [call["id"] for call in message.get("tool_calls", [])]
    assert open == []


@given(st.lists(ITEMS, max_size=12))
def test_nothing_that_was_said_is_lost(items: list[dict[str, object]]) -> None:
    try:
        made = raw.encode(messages([raw.of(item) for item in items], raw.NULL)).decode()
    except BadRequest:
        return
    for item in items:
        if content := item.get("content"):
            assert json.dumps(content, ensure_ascii=False)[1:-1] in made
    outputs = sum(item.get("type") == "function_call_output" for item in items)
    assert outputs == made.count('"x"')


@pytest.mark.parametrize(
    "value", [b"7", b"[]", b"null", b'"a"', b'{"type":[]}', b'{"call_id":{}}', b"[" * 5000 + b"]" * 5000]
)
def test_an_item_of_another_shape_is_refused_with_its_place(value: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        read(Raw(value), "input[3]")
    assert (refused.value.param or "").startswith("input[3]")


def test_members_that_are_not_known_do_no_harm() -> None:
    item = read(Raw(b'{"role":"user","content":"a","phase":null,"of_next_year":{"a":[1]}}'), "input[0]")

    assert item.role == "user"
