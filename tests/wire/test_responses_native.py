import json
from typing import Any

import pytest

from idetour.wire import raw, responses
from idetour.wire.responses_native import native
from idetour.wire.responses_reasoning import sealed
from idetour.wire.responses_store import Store

THEIRS = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "SEAL"}
HI = {"role": "user", "content": "Hi"}


def sent(*, seals: bool = True, before: Store | None = None, **fields: Any) -> dict[str, Any]:
    """What goes to an upstream that speaks Responses."""
    body = json.dumps({"model": "m", "input": "Hi"} | fields).encode()
    request = responses.read(body, before or Store()).chat
    made: dict[str, Any] = json.loads(raw.encode(native(request, sealed=seals)))
    return made


def test_a_request_goes_on_as_it_came_but_is_kept_by_nobody_else() -> None:
    asked: dict[str, Any] = {
        "input": [{"type": "hologram"}, THEIRS, {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}],
        "tools": [{"type": "web_search"}],
        "prompt": {"id": "pmpt_1"},
        "new_in_2027": [1.5],
        "include": ["reasoning.encrypted_content"],
    }  # fmt: skip
    assert sent(**asked) == {**asked, "model": "m", "store": False}


def test_an_input_that_needs_no_change_stays_byte_for_byte() -> None:
    body = rb'{"model":"m","input":[ {"role":"user" ,"content":"\u00e9"} ]}'
    assert native(responses.read(body, Store()).chat, sealed=False)["input"] == raw.fields(body)["input"]


@pytest.mark.parametrize(
    ("seals", "more", "include"),
    [
        (True, {}, ["reasoning.encrypted_content"]),
        (True, {"include": ["x"]}, ["x", "reasoning.encrypted_content"]),
        (True, {"store": False}, None),
        (False, {}, None),
    ],
)
def test_reasoning_is_asked_for_where_it_will_be_sent_back(seals: bool, more: Any, include: Any) -> None:
    assert sent(seals=seals, **more).get("include") == include


def test_what_was_said_before_comes_from_our_own_store() -> None:
    store = Store()
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    asked = responses.read(json.dumps({"model": "m", "input": [HI]}).encode(), store)
    store.keep("resp_1", json.dumps({"output": [THEIRS, said]}).encode(), asked.items, None)
    body = sent(before=store, input=[HI], previous_response_id="resp_1")
    assert body["input"] == [HI, THEIRS, said, HI]
    assert "previous_response_id" not in body
    referred = sent(before=store, input=[{"type": "item_reference", "id": "rs_1"}, HI])
    assert referred["input"] == [THEIRS, HI]


def test_reasoning_that_we_sealed_is_opened_or_left_out() -> None:
    """A conversation may have been answered by another upstream in between."""

    def ours(form: str) -> dict[str, Any]:
        detail = {"type": "reasoning.encrypted", "data": "SEAL", "format": form, "id": "rs_1"}
        return {
            "type": "reasoning",
            "summary": [],
            "encrypted_content": json.loads(bytes(sealed(raw.of([detail])))),
        }

    unsealed = {"type": "reasoning", "summary": []}
    claudes = ours("anthropic-claude-v1")
    assert sent(input=[ours("openai-responses-v1"), claudes, unsealed, HI])["input"] == [
        {**THEIRS, "type": "reasoning"},
        HI,
    ]


def test_a_conversation_that_lies_at_the_upstream_stays_there() -> None:
    assert sent(conversation="conv_1") == {"model": "m", "input": "Hi", "conversation": "conv_1"}
