import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idetour.errors import BadRequest
from idetour.wire import raw
from idetour.wire.messages_turns import translate

IDS = st.sampled_from(["toolu_1", "toolu_2", "toolu_3"])
TEXT = st.sampled_from(["", "a", " ", "b\n"]).map(lambda text: {"type": "text", "text": text})
IMAGE = st.just({"type": "image", "source": {"type": "url", "url": "https://example.com/x.png"}})
RESULT = st.builds(
    lambda id, content: {"type": "tool_result", "tool_use_id": id, "content": content},
    IDS,
    st.text(max_size=3) | st.lists(TEXT | IMAGE, max_size=2),
)
THOUGHT = st.just({"type": "thinking", "thinking": "hm", "signature": "s"})
USER = st.lists(TEXT | IMAGE | RESULT, max_size=4).map(lambda content: {"role": "user", "content": content})


@st.composite
def assistant(draw: st.DrawFn) -> dict[str, Any]:
    ids = draw(st.lists(IDS, unique=True, max_size=3))
    uses = [{"type": "tool_use", "id": id, "name": "ls", "input": {}} for id in ids]
    return {"role": "assistant", "content": [*draw(st.lists(TEXT | THOUGHT, max_size=2)), *uses]}


SYSTEM = st.just({"role": "system", "content": "so"})
CONVERSATION = st.lists(USER | assistant() | SYSTEM, min_size=1, max_size=8)


@given(CONVERSATION)
def test_every_call_is_answered_once_and_right_after_it(conversation: list[dict[str, Any]]) -> None:
    try:
        made = json.loads(raw.encode(translate({"messages": raw.of(conversation)})))
    except BadRequest:  # nothing but empty texts
        return
    waiting: list[str] = []
    for message in made:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
        else:
            assert waiting == []
            waiting = [call["id"] for call in message.get("tool_calls") or []]
        assert message["content"] or waiting
    assert waiting == []


@given(CONVERSATION)
def test_no_text_is_lost(conversation: list[dict[str, Any]]) -> None:
    blocks = [block for turn in conversation if turn["role"] != "system" for block in turn["content"]]
    said = [block["text"] for block in blocks if block["type"] == "text"]
    try:
        made = raw.encode(translate({"messages": raw.of(conversation)}))
    except BadRequest:
        assert not any(said)
        return
    assert all(json.dumps(text)[1:-1].encode() in made for text in said)
