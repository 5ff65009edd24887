"""One answer, as an upstream says it in each protocol: streamed or whole, well or with an error in its middle."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any, Literal

from upstream import Answer, Request, event, raw_stream, status, whole

type Speaks = Literal["openai", "anthropic", "responses"]
type Json = dict[str, Any]

PROMPT, CACHED, COMPLETION, REASONING = 1000, 600, 50, 20  # tokens; the cached are part of the prompt
OVERLOADED = "Too many at once."
ENDING = 3  # pieces at the end of a stream without which it is not whole


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    input: Json


@dataclass(frozen=True)
class Said:
    text: str = ""
    thought: str = ""
    calls: tuple[Call, ...] = ()


def says(speaks: Speaks, said: Said) -> Callable[[Request], Answer]:
    """A good answer, of the kind that is asked for."""
    pieces, body = VOICES[speaks]

    def answer(request: Request) -> Answer:
        return raw_stream(*pieces(said)) if request.json().get("stream") else whole(body(said))

    return answer


def fails_midway(speaks: Speaks, said: Said, *, after: Event) -> Answer:
    """A stream that says something and, when that was heard, an error in its own protocol."""
    pieces = [*VOICES[speaks][0](said)][:-ENDING]
    return raw_stream(*pieces, FAILURES[speaks]).held_after(len(pieces), after)


def refuses(speaks: Speaks) -> Answer:
    """That the conversation is too long, before any answer."""
    told = {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}
    if speaks == "anthropic":
        return status(400, {"type": "error", "error": told})
    return status(400, {"error": told | {"param": "messages", "code": "context_length_exceeded"}})


# Chat Completions


def chunk(delta: Json, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    about = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    return event({**about, "choices": [choice], **more})


def chat_usage() -> Json:
    return {
        "prompt_tokens": PROMPT,
        "completion_tokens": COMPLETION,
        "total_tokens": PROMPT + COMPLETION,
        "prompt_tokens_details": {"cached_tokens": CACHED},
        "completion_tokens_details": {"reasoning_tokens": REASONING},
    }


def function(call: Call) -> Json:
    return {"name": call.name, "arguments": json.dumps(call.input)}


def chat_pieces(said: Said) -> Iterator[bytes]:
    yield chunk({"role": "assistant", "content": ""})
    if said.thought:
        yield chunk({"reasoning_content": said.thought})
    for word in halves(said.text):
        yield chunk({"content": word})
    for index, call in enumerate(said.calls):
        named = {"index": index, "id": call.id, "type": "function"}
        yield chunk({"tool_calls": [named | {"function": {"name": call.name, "arguments": ""}}]})
        for half in halves(json.dumps(call.input)):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    yield chunk({}, "tool_calls" if said.calls else "stop")
    yield event({"id": "chatcmpl-up", "choices": [], "usage": chat_usage()})
    yield b"data: [DONE]\n\n"


def chat_whole(said: Said) -> Json:
    message: Json = {"role": "assistant", "content": said.text or None}
    if said.thought:
        message["reasoning_content"] = said.thought
    if said.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": function(call)} for call in said.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if said.calls else "stop"}
    about = {"id": "chatcmpl-up", "object": "chat.completion", "created": 1, "model": "up"}
    return {**about, "choices": [choice], "usage": chat_usage()}


# Messages


def named(said: Json) -> bytes:
    """An event with its type standing twice, as Anthropic and OpenAI's Responses have it."""
    return f"event: {said['type']}\n".encode() + event(said)


def blocks(said: Said) -> list[Json]:
    thought = {"type": "thinking", "thinking": said.thought, "signature": "SIGNED"}
    text = {"type": "text", "text": said.text}
    uses = [
        {"type": "tool_use", "id": each.id, "name": each.name, "input": each.input} for each in said.calls
    ]
    return [*([thought] if said.thought else []), *([text] if said.text else []), *uses]


def messages_usage() -> Json:
    read = {"cache_read_input_tokens": CACHED, "cache_creation_input_tokens": 0}
    return {"input_tokens": PROMPT - CACHED, "output_tokens": COMPLETION, **read} | {
        "output_tokens_details": {"thinking_tokens": REASONING}
    }


def messages_whole(said: Said) -> Json:
    about = {"id": "msg_up", "type": "message", "role": "assistant", "model": "up", "stop_sequence": None}
    reason = "tool_use" if said.calls else "end_turn"
    return {**about, "content": blocks(said), "stop_reason": reason, "usage": messages_usage()}


def messages_pieces(said: Said) -> Iterator[bytes]:
    message = messages_whole(said)
    usage = messages_usage() | {"output_tokens": 1}
    start = message | {"content": [], "stop_reason": None, "usage": usage}
    yield named({"type": "message_start", "message": start})
    for index, block in enumerate(message["content"]):
        for said_ in block_events(block):
            yield named(said_ | {"index": index})
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield named({"type": "message_delta", "delta": delta, "usage": {"output_tokens": COMPLETION}})
    yield named({"type": "message_stop"})


def block_events(block: Json) -> Iterator[Json]:
    kind = block["type"]
    empty: dict[str, Json] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
    }
    yield {"type": "content_block_start", "content_block": block | empty[kind]}
    if kind == "text":
        deltas = [{"type": "text_delta", "text": half} for half in halves(block["text"])]
    elif kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}]
        deltas += [{"type": "signature_delta", "signature": block["signature"]}]
    else:
        told = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves(told)]
    yield from ({"type": "content_block_delta", "delta": delta} for delta in deltas)
    yield {"type": "content_block_stop"}


# Responses


def items(said: Said) -> list[Json]:
    summary = [{"type": "summary_text", "text": said.thought}]
    thought = {"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": "SEALED"}
    part = {"type": "output_text", "text": said.text, "annotations": []}
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    calls = [
        {"id": f"fc_{call.id}", "type": "function_call", "call_id": call.id, **function(call)}
        for call in said.calls
    ]
    return [*([thought] if said.thought else []), *([message] if said.text else []), *calls]


def responses_whole(said: Said) -> Json:
    usage = {
        "input_tokens": PROMPT,
        "input_tokens_details": {"cached_tokens": CACHED, "cache_write_tokens": 0},
        "output_tokens": COMPLETION,
        "output_tokens_details": {"reasoning_tokens": REASONING},
        "total_tokens": PROMPT + COMPLETION,
    }
    about = {"id": "resp_up", "object": "response", "created_at": 1, "model": "up", "status": "completed"}
    asked = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None}
    return {**about, **asked, "incomplete_details": None, "output": items(said), "usage": usage}


def responses_pieces(said: Said) -> Iterator[bytes]:
    response = responses_whole(said)
    begun = response | {"status": "in_progress", "output": [], "usage": None}
    events = [{"type": f"response.{kind}", "response": begun} for kind in ("created", "in_progress")]
    for index, item in enumerate(response["output"]):
        events += [each | {"output_index": index} for each in item_events(item)]
    events.append({"type": "response.completed", "response": response})
    for number, each in enumerate(events):
        yield named(each | {"sequence_number": number})


def item_events(item: Json) -> Iterator[Json]:
    here = {"item_id": item["id"]}
    empty: dict[str, Json] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    yield {"type": "response.output_item.added", "item": item | empty[item["type"]]}
    if item["type"] == "message":
        part = {"type": "output_text", "text": "", "annotations": []}
        yield {"type": "response.content_part.added", **here, "content_index": 0, "part": part}
        for half in halves(item["content"][0]["text"]):
            told = {"content_index": 0, "delta": half, "logprobs": []}
            yield {"type": "response.output_text.delta", **here, **told}
    elif item["type"] == "reasoning":
        part = {"type": "summary_text", "text": ""}
        yield {"type": "response.reasoning_summary_part.added", **here, "summary_index": 0, "part": part}
        told = {"summary_index": 0, "delta": item["summary"][0]["text"]}
        yield {"type": "response.reasoning_summary_text.delta", **here, **told}
    else:
        for half in halves(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **here, "delta": half}
    yield {"type": "response.output_item.done", "item": item}


def halves(text: str) -> list[str]:
    middle = (len(text) + 1) // 2
    return [half for half in (text[:middle], text[middle:]) if half]


FAILURES: dict[str, bytes] = {
    "openai": event(
        {"error": {"message": OVERLOADED, "type": "server_error", "code": "rate_limit_exceeded"}}
    ),
    "anthropic": named({"type": "error", "error": {"type": "rate_limit_error", "message": OVERLOADED}}),
    "responses": named(
        {
            "type": "response.failed",
            "sequence_number": 99,
            "response": {
                "id": "resp_up",
                "status": "failed",
                "error": {"code": "rate_limit_exceeded", "message": OVERLOADED},
            },
        }
    ),
}
VOICES: dict[str, tuple[Callable[[Said], Iterator[bytes]], Callable[[Said], Json]]] = {
    "openai": (chat_pieces, chat_whole),
    "anthropic": (messages_pieces, messages_whole),
    "responses": (responses_pieces, responses_whole),
}
