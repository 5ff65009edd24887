import json
from typing import Any

import pytest

from idetour.errors import BadRequest
from idetour.wire import chat, mixed

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
NESTED = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
FLAT = {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}
ANTHROPICS = {"name": "f", "description": "d", "input_schema": SCHEMA}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
HI = {"role": "user", "content": "Hi"}


def made(*messages: Any, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"model": "m", "messages": messages or [HI], **fields}).encode()
    return {name: json.loads(bytes(value)) for name, value in mixed.read(body).fields.items()}


@pytest.mark.parametrize("tool", [FLAT, ANTHROPICS])
def test_a_tool_of_another_protocol_is_told_as_chats(tool: dict[str, Any]) -> None:
    assert made(tools=[tool])["tools"] == [NESTED]


@pytest.mark.parametrize(
    ("tool", "asked", "told"),
    [
        (FLAT, "required", "required"),
        (FLAT, {"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
        (ANTHROPICS, "auto", "auto"),
        (ANTHROPICS, {"type": "any"}, "required"),
        (ANTHROPICS, {"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_so_is_the_choice_among_them(tool: dict[str, Any], asked: Any, told: Any) -> None:
    assert made(tools=[tool], tool_choice=asked)["tool_choice"] == told


def test_a_free_text_tool_becomes_a_function() -> None:
    [_, patch] = made(tools=[FLAT, {"type": "custom", "name": "patch"}])["tools"]

    assert (patch["type"], patch["function"]["name"]) == ("function", "patch")


def test_calls_and_results_in_blocks_are_messages() -> None:
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"n": 1}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": "42",
        "cache_control": {"type": "ephemeral"},
    }
    again = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    said = [
        {"role": "system", "content": "Be brief."},
        HI,
        {"role": "assistant", "content": [{"type": "text", "text": "So:"}, use]},
        {"role": "user", "content": [result, again]},
    ]

    assert made(*said, tools=[ANTHROPICS])["messages"] == [
        {"role": "system", "content": "Be brief."},
        HI,
        {
            "role": "assistant",
            "content": "So:",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"n": 1}'}}
            ],
        },
        {"role": "tool", "content": "42", "tool_call_id": "t1"},
        {"role": "user", "content": [again]},
    ]


def test_a_picture_of_messages_is_shown_in_a_conversation_of_chat() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    before = [HI, {"role": "assistant", "content": None, "tool_calls": [call]}]
    result = {"role": "tool", "tool_call_id": "c", "content": "seen"}
    text = {"type": "text", "text": "Look:"}

    assert made(*before, result, {"role": "user", "content": [text, PICTURE]})["messages"] == [
        *before,
        result,
        {"role": "user", "content": [text, SHOWN]},
    ]


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_system_prompt_beside_the_conversation_is_its_first_message(system: Any) -> None:
    told = made(HI, system=system)

    assert told["messages"] == [{"role": "system", "content": system}, HI]
    assert "system" not in told


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [NESTED]},
        {"tools": [{"type": "web_search"}], "tool_choice": "auto"},
        {"tools": []},
        {"messages": [{"role": "user", "content": '{"type": "tool_use", "source": {}}'}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "odd": 1}]}]},
    ],
)
def test_what_is_chat_already_stays_byte_for_byte(fields: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", "messages": [HI], **fields}).encode()

    assert mixed.read(body) == chat.read(body)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"tools": [{"name": "f", "input_schema": 7}]}, "tools[0].input_schema"),
        ({"tools": [ANTHROPICS, 7]}, "tools[1]"),
        ({"tools": [ANTHROPICS | {"name": "f" * 65}]}, "tools"),
        ({"tools": 7}, "tools"),
        ({"tools": [{"type": "function", "name": 7}]}, "tools[0].name"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]},
            "messages[0].content[0].source.type",
        ),
        (
            {"messages": [{"role": "tool", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]},
            "messages[0].role",
        ),
    ],
)
def test_a_refusal_names_the_place(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(BadRequest) as refused:
        mixed.read(json.dumps({"model": "m", "messages": [HI], **fields}).encode())

    assert refused.value.param == place


def test_responses_at_the_door_of_chat_are_understood() -> None:
    body = {"model": "m", "input": "Hi", "stream": True}
    told = mixed.read(json.dumps(body).encode())
    wants = mixed.read(json.dumps(body | {"stream_options": {"include_usage": True}}).encode())

    assert json.loads(bytes(told.fields["messages"])) == [HI]
    assert (told.stream, told.include_usage, wants.include_usage) == (True, False, True)


def test_a_body_with_input_and_messages_is_chat() -> None:
    body = json.dumps({"model": "m", "messages": [HI], "input": "a"}).encode()

    assert mixed.read(body) == chat.read(body)


@pytest.mark.parametrize("body", [b'{"input":', b"[]", b""])
def test_what_is_no_object_is_refused_as_chat_refuses_it(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        mixed.read(body)
    with pytest.raises(BadRequest) as by_chat:
        chat.read(body)

    assert str(refused.value) == str(by_chat.value)
