"""A model that can do one thing: write a file with whatever tool its client offers, and then say that it is done.

It speaks Chat Completions and Anthropic's Messages, by the path it is asked at.
Real clients finish a real task with it, so what it asks for is what their own
schemas demand. Where no tool is offered it writes the file as text, in the way
that editors without tools ask for.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from upstream.answer import Answer, Request
from upstream.chat import Delta, call, completion, event, status, stream, whole

type Fields = Mapping[str, Any]

ID = "call_author"
DONE = "Done."
PATHS = ("file_path", "filePath", "absolute_path", "path", "filename")
CONTENTS = ("content", "contents", "file_text", "text")
COMMANDS = ("command", "cmd")
SSE = (("content-type", "text/event-stream"),)


def author(path: str, content: str, *, folder: str = "") -> Callable[[Request], Answer]:
    """Writes `content` to `path`, which is taken to lie in `folder` where a tool wants a whole path."""

    def answer(request: Request) -> Answer:
        body = request.json()
        if request.path.endswith("/count_tokens"):
            return whole({"input_tokens": 100})
        messages = request.path.endswith("/messages")
        chosen = choose(offered(body), f"{folder}/{path}" if folder else path, content)
        say = tell_messages if messages else tell_chat
        if returned(body):
            return say(request, DONE, None)
        if called(body):
            return status(400, {"error": {"message": f"the result of {ID} is missing", "type": "invalid"}})
        return say(request, "" if chosen else f"{path}\n```\n{content}\n```\n", chosen)

    return answer


def offered(body: Fields) -> Iterator[tuple[str, Fields]]:
    """The tools, each with the schema of its arguments."""
    for tool in body.get("tools") or ():
        function = tool.get("function", tool)
        if "name" in function:
            yield function["name"], function.get("parameters") or function.get("input_schema") or {}


def choose(tools: Iterator[tuple[str, Fields]], path: str, content: str) -> tuple[str, Fields] | None:
    """A call that writes the file: with a tool that writes, else with one that runs commands."""
    found: list[tuple[bool, str, Fields]] = []
    for name, schema in tools:
        members = schema.get("properties") or {}
        place = next((each for each in PATHS if each in members), None)
        text = next((each for each in CONTENTS if each in members), None)
        command = next((each for each in COMMANDS if each in members), None)
        if place and text and any(word in name.lower() for word in ("write", "create")):
            found.append((False, name, filled(schema, {place: path, text: content})))
        elif command and any(word in name.lower() for word in ("bash", "shell", "exec", "run", "command")):
            line = f"printf '%s' '{content}' > '{path}'"
            given = ["sh", "-c", line] if members[command].get("type") == "array" else line
            found.append((True, name, filled(schema, {command: given})))
    return next(((name, given) for _, name, given in sorted(found, key=lambda each: each[0])), None)


def filled(schema: Fields, given: dict[str, Any]) -> Fields:
    """The arguments with all else that the schema demands."""
    members = schema.get("properties") or {}
    return {name: some(members.get(name, {})) for name in schema.get("required") or ()} | given


def some(schema: Fields) -> Any:
    """A value of the type that is asked for."""
    if schema.get("enum"):
        return schema["enum"][0]
    kinds: dict[str, Any] = {"boolean": False, "integer": 1, "number": 1, "array": [], "object": {}}
    return kinds.get(str(schema.get("type")), "the file that was asked for")


def parts(body: Fields) -> Iterator[Fields]:
    """Messages, and the blocks in them."""
    for message in body["messages"]:
        yield message
        if isinstance(message.get("content"), list):
            yield from message["content"]
        yield from message.get("tool_calls") or ()


def called(body: Fields) -> bool:
    return any(part.get("id") == ID for part in parts(body))


def returned(body: Fields) -> bool:
    """Whether the result of our call has come back, by its id."""
    return any(ID in (part.get("tool_use_id"), part.get("tool_call_id")) for part in parts(body))


def tell_chat(request: Request, text: str, chosen: tuple[str, Fields] | None) -> Answer:
    said: list[str | Delta] = [*([text] if text else []), *(call(*chosen, id=ID) if chosen else [])]
    if request.json().get("stream"):
        return stream(*said)
    made = completion(text, request)
    if chosen:
        function = {"name": chosen[0], "arguments": json.dumps(chosen[1])}
        made["choices"][0]["message"]["tool_calls"] = [{"id": ID, "type": "function", "function": function}]
        made["choices"][0]["finish_reason"] = "tool_calls"
    return whole(made)


def tell_messages(request: Request, text: str, chosen: tuple[str, Fields] | None) -> Answer:
    block: dict[str, Any] = {"type": "text", "text": text}
    if chosen:
        block = {"type": "tool_use", "id": ID, "name": chosen[0], "input": chosen[1]}
    stop = {"stop_reason": "tool_use" if chosen else "end_turn", "stop_sequence": None}
    message = {
        "id": "msg_author",
        "type": "message",
        "role": "assistant",
        "model": request.asked,
        "content": [block],
        "usage": {"input_tokens": 9, "output_tokens": 3},
        **stop,
    }
    if not request.json().get("stream"):
        return whole(message)
    pieces = [
        event({"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}),
        *block_events(block),
        event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 3}}),
        event({"type": "message_stop"}),
    ]
    return Answer(pieces=lambda _: [*pieces], headers=SSE, framing="chunked")


def block_events(block: dict[str, Any]) -> Iterator[bytes]:
    """A block as it is streamed, in two halves."""
    tool = block["type"] == "tool_use"
    said = json.dumps(block["input"]) if tool else block["text"]
    yield event(
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {**block, **({"input": {}} if tool else {"text": ""})},
        }
    )
    kind, key = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
    for half in (said[: len(said) // 2], said[len(said) // 2 :]):
        yield event({"type": "content_block_delta", "index": 0, "delta": {"type": kind, key: half}})
    yield event({"type": "content_block_stop", "index": 0})
