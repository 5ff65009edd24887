"""What an answer says, read in each protocol, streamed and whole."""

import json
from typing import Any

import pytest

from idetour.errors import UpstreamError
from idetour.gateway.said import Call, Protocol, Said, read
from idetour.wire.usage import Usage

CALL = {"id": "c", "type": "function", "function": {"name": "write", "arguments": '{"a": 1}'}}
CUSTOM = {"id": "d", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
MESSAGE = {
    "type": "message",
    "id": "m",
    "model": "x",
    "content": [
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo"},
        {"type": "tool_use", "id": "c", "name": "write", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}
RESPONSE = {
    "id": "r",
    "object": "response",
    "status": "completed",
    "error": None,
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]},
        {"type": "function_call", "name": "write", "arguments": '{"a": 1}', "call_id": "c"},
        {"type": "custom_tool_call", "name": "patch", "input": "*** Begin", "call_id": "d"},
    ],
    "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
}
USED = Usage(prompt=9, completion=3, total=12)


def sse(*events: Any) -> bytes:
    return b"".join(b"data: %b\n\n" % (e if isinstance(e, bytes) else json.dumps(e).encode()) for e in events)


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def test_a_whole_chat_answer_is_read() -> None:
    message = {"role": "assistant", "content": "Hello", "tool_calls": [CALL, CUSTOM]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": USAGE}

    assert read("chat", json.dumps(body).encode(), stream=False) == Said(
        text="Hello",
        calls=(Call("write", '{"a": 1}'), Call("patch", "*** Begin", free=True)),
        finish="tool_calls",
        usage=USED,
    )


def test_a_streamed_chat_answer_is_put_together() -> None:
    half = {"index": 0, "function": {"arguments": " 1}"}}
    first = {**CALL, "index": 0, "function": {"name": "write", "arguments": '{"a":'}}
    body = sse(
        chunk({"content": "Hel"}),
        chunk({"content": "lo", "tool_calls": [first]}),
        chunk({"tool_calls": [half]}, "tool_calls"),
        {"id": "1", "choices": [], "usage": USAGE},
        b"[DONE]",
    )

    assert read("chat", body, stream=True) == Said(
        text="Hello", calls=(Call("write", '{"a": 1}'),), finish="tool_calls", usage=USED
    )


def test_a_message_whole_and_streamed_says_the_same() -> None:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**MESSAGE, "content": []}}]
    for index, text in enumerate(("Hel", "lo")):
        events += [
            {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}},
            {"type": "content_block_stop", "index": index},
        ]
    events += [
        {
            "type": "content_block_start",
            "index": 2,
            "content_block": {"type": "tool_use", "id": "c", "name": "write", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 2,
            "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'},
        },
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    streamed = read("messages", sse(*events), stream=True)
    whole = read("messages", json.dumps(MESSAGE).encode(), stream=False)

    assert (streamed.text, streamed.finish, streamed.usage) == ("Hello", "tool_calls", USED)
    assert (whole.text, whole.finish, whole.usage) == ("Hello", "tool_calls", USED)
    assert [json.loads(each.calls[0].arguments) for each in (streamed, whole)] == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_read_whole_and_as_a_stream(stream: bool) -> None:
    body = json.dumps(RESPONSE).encode()
    if stream:
        body = sse(
            {"type": "response.created", "response": {**RESPONSE, "output": []}},
            {
                "type": "response.output_item.added",
                "output_index": 1,
                "item": {"type": "message", "content": []},
            },
            {"type": "response.output_text.delta", "output_index": 1, "delta": "Hello"},
            {"type": "response.completed", "response": RESPONSE},
        )

    assert read("responses", body, stream=stream) == Said(
        text="Hello",
        calls=(Call("write", '{"a": 1}'), Call("patch", "*** Begin", free=True)),
        finish="tool_calls",
        usage=USED,
    )


@pytest.mark.parametrize("protocol", ["chat", "messages", "responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_is_raised_with_its_words(protocol: Protocol, stream: bool) -> None:
    error = {"type": "error", "error": {"message": "overloaded", "type": "x"}}
    body = sse(error) if stream else json.dumps(error).encode()
    if stream and protocol == "messages":
        body = b"event: error\n" + body

    with pytest.raises(UpstreamError, match="overloaded"):
        read(protocol, body, stream=stream)


@pytest.mark.parametrize("protocol", ["chat", "messages", "responses"])
@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[]", b"{}", b"null", b"data: {}\n\n", b"data: x\n\n"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_no_answer_is_an_error_and_no_crash(protocol: Protocol, body: bytes, stream: bool) -> None:
    with pytest.raises(UpstreamError):
        read(protocol, body, stream=stream)


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    with pytest.raises(UpstreamError, match="broke off"):
        read("chat", sse(chunk({"content": "Hel"})), stream=True)
    with pytest.raises(UpstreamError, match="broke off"):
        read("responses", sse({"type": "response.created", "response": RESPONSE}), stream=True)
