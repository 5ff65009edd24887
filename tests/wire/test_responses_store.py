import json

import pytest
from msgspec import Raw

from idetour.errors import BadRequest, NotFound
from idetour.wire import raw, responses_store
from idetour.wire.responses_store import LONGEST, MOST, Store


def response(*texts: str, size: int = 0) -> bytes:
    return json.dumps(
        {"output": [{"id": f"msg_{text}", "text": text} for text in texts], "x": "x" * size}
    ).encode()


def said(store: Store, id: str) -> list[str]:
    return [json.loads(bytes(item))["text"] for item in store.conversation(id)]


def item(text: str) -> Raw:
    return raw.of({"text": text})


def test_a_conversation_is_all_that_was_said_in_its_order() -> None:
    store = Store()
    store.keep("resp_1", response("b"), [item("a")], None)
    store.keep("resp_2", response("d", "e"), [item("c")], "resp_1")
    store.keep("resp_3", response("x"), [item("w")], "resp_1")

    assert said(store, "resp_2") == ["a", "b", "c", "d", "e"]
    assert said(store, "resp_3") == ["a", "b", "w", "x"]


def test_the_oldest_goes_when_there_are_too_many_and_what_is_used_stays() -> None:
    store = Store()
    for number in range(MOST):
        store.keep(f"resp_{number}", response("a"), [], None)
    store.conversation("resp_0")
    store.keep("resp_new", response("a"), [], None)

    assert response("a") == store.response("resp_0")
    with pytest.raises(NotFound):
        store.response("resp_1")


def test_the_oldest_goes_when_they_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses_store, "LARGEST", 1000)
    store = Store()
    for id in ("resp_1", "resp_2", "resp_3"):
        store.keep(id, response(size=400), [], None)

    assert store.response("resp_2")
    assert store.response("resp_3")
    with pytest.raises(NotFound):
        store.response("resp_1")


def test_one_that_is_larger_than_all_may_be_is_not_kept_and_drives_none_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(responses_store, "LARGEST", 1000)
    store = Store()
    store.keep("resp_1", response(), [], None)
    store.keep("resp_2", response(size=2000), [], None)

    assert response() == store.response("resp_1")
    with pytest.raises(NotFound):
        store.response("resp_2")


def test_a_day_later_it_is_gone() -> None:
    time = [0.0]
    store = Store(now=lambda: time[0])
    store.keep("resp_1", response(), [], None)
    time[0] = LONGEST + 1

    with pytest.raises(NotFound):
        store.response("resp_1")


def test_what_is_forgotten_is_gone_and_with_it_what_was_built_on_it() -> None:
    store = Store()
    store.keep("resp_1", response("b"), [item("a")], None)
    store.keep("resp_2", response("d"), [item("c")], "resp_1")
    store.forget("resp_1")

    with pytest.raises(BadRequest) as refused:
        store.conversation("resp_2")
    assert (refused.value.code, refused.value.status) == ("previous_response_not_found", 400)
    with pytest.raises(NotFound):
        store.forget("resp_1")


def test_what_is_kept_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses_store, "LARGEST", 1000)
    store = Store()
    for id in ("resp_1", "resp_2", "resp_2", "resp_2"):
        store.keep(id, response(size=400), [], None)

    assert store.response("resp_1") == store.response("resp_2")


def test_a_reference_stands_for_its_item_and_all_else_for_itself() -> None:
    store = Store()
    store.keep("resp_1", response("b"), [], None)
    reference = raw.of({"type": "item_reference", "id": "msg_b"})
    lookalike = raw.of({"role": "user", "content": '"item_reference"'})

    found, same = store.resolved([reference, lookalike])
    assert ("b", lookalike) == (json.loads(bytes(found))["text"], same)
    with pytest.raises(BadRequest, match="msg_c"):
        store.resolved([raw.of({"type": "item_reference", "id": "msg_c"})])
