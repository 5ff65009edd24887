import json
from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from idetour.errors import BadRequest
from idetour.wire import anthropic, raw
from wire.messages_golden import each

PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)
HI = [{"role": "user", "content": "hi"}]


def made(**how: Any) -> dict[str, Any]:
    """What a Chat body becomes; `prefill` and `forced` are about the model."""
    ways = {name: how.pop(name) for name in ("prefill", "forced") if name in how}
    body = {"model": "claude", "messages": HI, **how}
    said = anthropic.write(raw.fields(json.dumps(body).encode()), **ways)
    read: dict[str, Any] = json.loads(raw.encode(said))
    return read


@each("chat_request")
def test_a_chat_request_becomes_the_request_that_the_golden_case_has(given: str, wanted: str) -> None:
    try:
        said = json.loads(raw.encode(anthropic.write(raw.fields(given.encode()))))
    except BadRequest as refused:
        said = refused.message
    assert said == (json.loads(wanted) if wanted.startswith("{") else wanted)
    if isinstance(said, dict) and "web_search" not in given:
        PARAMS.validate_python(said)


def test_an_answer_that_was_begun_is_continued_where_the_model_can() -> None:
    begun = [*HI, {"role": "assistant", "content": "{ \n"}]
    assert made(messages=begun, prefill=True)["messages"][-1] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "{"}],
    }


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "ls"}}])
def test_a_model_that_cannot_be_forced_is_left_to_choose(choice: Any) -> None:
    tools = [{"type": "function", "function": {"name": "ls"}}]
    assert made(tools=tools, tool_choice=choice, forced=False)["tool_choice"] == {"type": "auto"}


def test_arguments_go_on_byte_for_byte() -> None:
    arguments = '{"n": 1.0, "big": 12345678901234567890, "s": "\\u00e9"}'
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": arguments}}
    body = {"model": "m", "messages": [*HI, {"role": "assistant", "tool_calls": [call]}]}
    said = raw.encode(anthropic.write(raw.fields(json.dumps(body).encode())))
    assert f'"input":{arguments}'.encode() in said


def test_a_field_that_means_anthropic_goes_along() -> None:
    said = made(top_k=5, context_management={"edits": []}, inference_geo="eu")
    assert (said["top_k"], said["context_management"], said["inference_geo"]) == (5, {"edits": []}, "eu")


@pytest.mark.parametrize("n", [2, 0, "one"])
def test_only_one_answer_can_be_had(n: object) -> None:
    with pytest.raises(BadRequest) as refused:
        made(n=n)
    assert refused.value.param == "n"
