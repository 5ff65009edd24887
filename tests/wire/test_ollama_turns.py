import json
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.wire.ollama_turns import translate
from idetour.wire.raw import of


def turns(*messages: Any) -> Any:
    return json.loads(bytes(of(translate(of(messages)))))


def test_a_result_names_the_tool_whose_call_it_answers() -> None:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for n, name in enumerate(("ls", "cat"))
    ]
    results = [{"role": "tool", "tool_call_id": id, "content": id} for id in ("c1", "c0")]
    made = turns({"role": "assistant", "content": None, "tool_calls": calls}, *results)
    assert [each["tool_name"] for each in made[1:]] == ["cat", "ls"]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_what_was_thought_is_told_again(name: str) -> None:
    [made] = turns({"role": "assistant", "content": "Yes", name: "hm"})
    assert made == {"role": "assistant", "content": "Yes", "thinking": "hm"}


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,AA==", "DATA:image/jpeg;BASE64,AA==", "data:image/svg+xml;base64,AA=="]
)
def test_a_picture_is_bare_base64(url: str) -> None:
    [made] = turns({"role": "user", "content": [{"type": "image_url", "image_url": url}]})
    assert made == {"role": "user", "content": "", "images": ["AA=="]}


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([{"role": "user", "content": {}}], "messages[0].content"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": 7}]}], "messages[0].content[0].image_url"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "assistant", "tool_calls": [{"function": {}}]}], "messages[0].tool_calls[0].function.name"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_with_its_place(messages: Any, place: str) -> None:
    with pytest.raises(BadRequest) as refused:
        turns(*messages)
    assert refused.value.param == place
