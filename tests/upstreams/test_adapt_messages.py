"""Messages and tools as each upstream hears them, and what goes byte for byte."""

import json
from typing import Any

import pytest

from idetour.errors import BadRequest
from upstreams.conftest import NIM, Prepare, Sent

TREE = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "ls", "parameters": TREE}}
TEXT = {"type": "text", "text": "one"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def said(outgoing: Prepare, target: str, messages: Any, **more: Any) -> Any:
    return json.loads(outgoing(target, {"model": "m", "messages": messages, **more}).body or b"")["messages"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"role": "user", "content": [TEXT, {"type": "text", "text": "two"}]}, {"role": "user", "content": "one\ntwo"}),
        ({"role": "user", "content": [{**TEXT, "cache_control": {"type": "ephemeral"}}]}, {"role": "user", "content": "one"}),
        ({"role": "user", "content": [{"type": "text", "text": None}]}, {"role": "user", "content": ""}),
        ({"role": "user", "content": []}, {"role": "user", "content": ""}),
        ({"role": "user", "content": [TEXT, IMAGE]}, {"role": "user", "content": [TEXT, IMAGE]}),
        ({"role": "user", "content": ["odd"]}, {"role": "user", "content": ["odd"]}),
        ({"role": "assistant", "tool_calls": []}, {"role": "assistant", "tool_calls": []}),
        ({"role": "assistant", "content": None}, {"role": "assistant", "content": None}),
        ({"role": "developer", "content": "x"}, {"role": "system", "content": "x"}),
        ({"role": "developer", "content": [TEXT]}, {"role": "system", "content": "one"}),
    ],
)  # fmt: skip
def test_nim_hears_plain_text_and_no_developer(
    outgoing: Prepare, message: dict[str, Any], expected: dict[str, Any]
) -> None:
    others = [{"role": "user", "content": [TEXT]}, {"role": "developer", "content": "x"}]
    before = [{"role": "user", "content": "one"}, {"role": "system", "content": "x"}]

    assert said(outgoing, NIM, [*others, message]) == [*before, expected]


def test_others_hear_parts_and_the_developer(outgoing: Prepare) -> None:
    messages = [{"role": "developer", "content": [TEXT]}]

    assert said(outgoing, "openai/gpt-5", messages) == messages
    assert said(outgoing, "deepseek/x", messages) == [{"role": "system", "content": [TEXT]}]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "user", "content": "x"}], [{"role": "system", "content": "/no_think"}, {"role": "user", "content": "x"}]),
        ([{"role": "system", "content": "s"}], [{"role": "system", "content": "/no_think\ns"}]),
        ([{"role": "developer", "content": [TEXT]}], [{"role": "system", "content": "/no_think\none"}]),
        ([{"role": "system"}], [{"role": "system", "content": "/no_think\n"}]),
        (
            [{"role": "system", "content": [TEXT, IMAGE]}],
            [{"role": "system", "content": [{"type": "text", "text": "/no_think"}, TEXT, IMAGE]}],
        ),
    ],
)  # fmt: skip
def test_switching_words_begin_the_system_prompt(outgoing: Prepare, messages: Any, expected: Any) -> None:
    target = "nim/nvidia/nvidia-nemotron-nano-9b-v2"

    assert said(outgoing, target, messages, reasoning_effort="none") == expected


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ([TOOL], [TOOL]),
        (
            [{"type": "function", "function": {"name": "ls", "strict": True, "parameters": {**TREE, "$schema": "x"}}}],
            [TOOL],
        ),
        (
            [{"type": "function", "function": {"name": "strict", "description": '"strict": "$schema":', "strict": None}}],
            [{"type": "function", "function": {"name": "strict", "description": '"strict": "$schema":'}}],
        ),
        # A parameter may be called so.
        (
            [{"function": {"name": "ls", "strict": True, "parameters": {"properties": {"strict": {}, "$schema": {}}}}}],
            [{"function": {"name": "ls", "parameters": {"properties": {"strict": {}, "$schema": {}}}}}],
        ),
        ([{"type": "custom", "custom": {"strict": True}}], [{"type": "custom", "custom": {"strict": True}}]),
        ([{"function": {"strict": True, "parameters": None}}], [{"function": {"parameters": None}}]),
        (None, None),
    ],
)  # fmt: skip
def test_strictness_is_taken_out_of_tools_for_nim_alone(sent: Sent, tools: Any, expected: Any) -> None:
    assert sent(NIM, tools=tools) == {"tools": expected}
    assert sent("openai/gpt-4o", tools=tools) == {"tools": tools}


@pytest.mark.parametrize(
    ("field", "value"),
    [("messages", ["x", {"content": [], "role": "developer"}]), ("tools", [1, {"strict": 1}])],
)
def test_what_has_to_be_changed_has_to_be_objects(outgoing: Prepare, field: str, value: Any) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], field: value}
    with pytest.raises(BadRequest, match=f"^`{field}` must be a list of objects") as caught:
        outgoing(NIM, body)

    assert caught.value.param == field


# 300 KB with odd spacing, escapes and numbers that a parser would write otherwise.
ODD = '{ "role":"user" ,"n": 1.10, "big": 123456789012345678901234567890,"content" : "\\u00e9 \\/ %s" }'


@pytest.mark.parametrize(
    "target", [NIM, "ollama/x", "openai/gpt-5", "anthropic/claude-opus-5", "dashscope/x"]
)
def test_messages_that_need_no_change_go_byte_for_byte(outgoing: Prepare, target: str) -> None:
    messages = f"[ {ODD % ('x' * 300_000)},\n{ODD % 'developer'} ]".encode()
    made = outgoing(target, b'{"model":"m","messages":%b}' % messages).body or b""

    assert messages in made


def test_what_has_to_change_leaves_all_beside_it_as_it_came(outgoing: Prepare) -> None:
    arguments = b'{"n": 1.10, "s":"\\u00e9\\/"}'
    call = b'[ {"id":"call_1" , "function":%b} ]' % arguments
    messages = b'[{"role":"developer","content":"\\u00e9"}, {"role":"assistant","tool_calls":%b}]' % call
    made = outgoing(NIM, b'{"model":"m","messages":%b}' % messages).body or b""

    assert b'"role":"system","content":"\\u00e9"' in made
    assert call in made


def test_a_field_that_nobody_knows_goes_byte_for_byte(outgoing: Prepare) -> None:
    made = outgoing("openai/gpt-5", b'{"model":"m","messages":[{}],"next_year": { "a" : 1.10 } }').body or b""

    assert b'"next_year":{ "a" : 1.10 }' in made


def test_a_text_that_looks_like_json_changes_nothing(outgoing: Prepare) -> None:
    text = json.dumps('{"role": "developer", "content": [ "strict": 1').encode()
    messages = b'[ {"role": "user","content":%b} ]' % text
    made = outgoing(NIM, b'{"model":"m","messages":%b}' % messages).body or b""

    assert messages in made


LS = {"type": "function", "function": {"name": "ls"}}
NAMED = {"type": "function", "function": {"name": "ls"}}


@pytest.mark.parametrize(
    ("model", "asked", "choice"),
    [
        ("qwen3.7-plus", {"tool_choice": "required"}, "auto"),
        ("qwen3.7-plus", {"tool_choice": NAMED}, "auto"),
        ("qwen3.7-plus", {"tool_choice": "none"}, "none"),
        ("qwen3.7-plus", {"tool_choice": "required", "reasoning_effort": "none"}, "required"),
        ("qwen3.8-max", {"tool_choice": "required"}, "auto"),
        ("qwen3.8-max", {"tool_choice": "required", "reasoning_effort": "none"}, "required"),
        ("qwen-plus", {"tool_choice": "required"}, "required"),
        ("qwen-plus", {"tool_choice": "required", "reasoning_effort": "high"}, "auto"),
        ("qwen3-coder-plus", {"tool_choice": "required"}, "required"),
        ("qwq-plus", {"tool_choice": NAMED}, "auto"),
    ],
)
def test_a_model_of_dashscope_that_thinks_is_not_made_to_call(
    sent: Sent, model: str, asked: dict[str, Any], choice: Any
) -> None:
    """400 "The tool_choice parameter does not support being set to required or object in thinking mode"."""
    assert sent(f"dashscope/{model}", tools=[LS], **asked)["tool_choice"] == choice


MARK = {"cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("target", "kept"),
    [("openrouter/anthropic/claude-sonnet-5", True), ("dashscope/qwen-plus", True), ("openai/gpt-5", False), (NIM, False)],
)  # fmt: skip
def test_marks_for_the_cache_go_to_who_heeds_them_and_to_nobody_who_refuses_them(
    outgoing: Prepare, target: str, kept: bool
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages = [
        {"role": "user", "content": [{**TEXT, **MARK}, picture]},
        {"role": "user", "content": "x", **MARK},
    ]
    body = {"model": "m", "messages": messages, "tools": [{**LS, **MARK}]}
    made = json.loads(outgoing(target, body).body or b"")
    assert (json.dumps(made).count("cache_control") == 3) == kept
    assert ("cache_control" in json.dumps(made)) == kept
    assert [part["type"] for part in made["messages"][0]["content"]] == ["text", "image_url"]
