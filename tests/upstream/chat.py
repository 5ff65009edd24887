"""What the upstream says: the OpenAI protocol done well, and bodies that are something else."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from upstream.answer import DONE, Act, Answer, Request, Script, Step

type Delta = dict[str, Any]  # the `delta` of a chunk

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
INVALID = "\udcff"  # in a text: the byte FF, which no UTF-8 holds
SSE = (("content-type", "text/event-stream"),)
JSON = (("content-type", "application/json"),)


def stream(*said: str | Delta, finish: str | None = None) -> Answer:
    """Events, whatever was asked: role, what is said (a str is content), finish, usage if asked, [DONE]."""
    deltas = [{"content": part} if isinstance(part, str) else part for part in said]
    reason = finish or ("tool_calls" if any("tool_calls" in delta for delta in deltas) else "stop")

    def pieces(request: Request) -> list[Step]:
        start = chunk(request, {"role": "assistant", "content": ""})
        wants_usage = (request.json().get("stream_options") or {}).get("include_usage")
        usage = [event({**about(request, "chat.completion.chunk"), "choices": [], "usage": USAGE})]
        end = [chunk(request, {}, reason), *(usage if wants_usage else []), DONE]
        return [start, *(chunk(request, delta) for delta in deltas), *end]

    return Answer(pieces=pieces, headers=SSE, framing="chunked")


def whole(said: Any) -> Answer:
    """JSON, whatever was asked. A str is the text of a completion."""

    def pieces(request: Request) -> list[Step]:
        body = completion(said, request) if isinstance(said, str) else said
        return [json.dumps(body, ensure_ascii=False).encode()]

    return Answer(pieces=pieces, headers=JSON)


def reply(*texts: str) -> Callable[[Request], Answer]:
    """A good answer of the kind that was asked for."""
    return lambda request: stream(*texts) if request.json().get("stream") else whole("".join(texts))


def status(code: int, body: Any = None, **headers: str) -> Answer:
    """An error in the OpenAI shape, or with a body of its own; `status(429, retry_after="7")`."""
    error = {"error": {"message": f"upstream says {code}", "type": "upstream", "param": None, "code": None}}
    piece = body if isinstance(body, bytes) else json.dumps(error if body is None else body).encode()
    return Answer(pieces=lambda _: [piece], status=code, headers=JSON).saying(**headers)


def objecting(
    objects: Callable[[Any], str | None], script: Script | None = None
) -> Callable[[Request], Answer]:
    """400 with what `objects` says of the body, in the OpenAI shape; else the script's answer, or a good one."""

    def answer(request: Request) -> Answer:
        if said := objects(request.json()):
            return status(400, {"error": {"message": said, "type": "invalid_request_error", "param": None}})
        then = script or reply("good")
        return then if isinstance(then, Answer) else then(request)

    return answer


def html(text: str = "<html><h1>Bad gateway</h1></html>", *, code: int = 200) -> Answer:
    """What a balancer or a captive portal answers."""
    headers = (("content-type", "text/html; charset=utf-8"),)
    return Answer(pieces=lambda _: [text.encode()], status=code, headers=headers)


def redirect(url: str, code: int = 307) -> Answer:
    return status(code, b"", location=url)


def raw_stream(*pieces: bytes) -> Answer:
    """These bytes as an event stream."""
    return Answer(pieces=lambda _: list(pieces), headers=SSE, framing="chunked")


def raw(*steps: Step) -> Answer:
    """These bytes instead of HTTP."""
    return Answer(pieces=lambda _: list(steps), framing="raw")


def reset_before_headers() -> Answer:
    return raw(Act.RESET)


def stall_before_headers() -> Answer:
    return raw(Act.STALL)


def think(text: str) -> Delta:
    """Reasoning, as NIM and DashScope stream it."""
    return {"reasoning_content": text}


def call(name: str, arguments: Mapping[str, Any], *, id: str = "call_1", index: int = 0) -> list[Delta]:
    """A tool call in three deltas: its name, then its arguments in two halves."""
    text = json.dumps(arguments)
    first = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}
    halves = (text[: len(text) // 2], text[len(text) // 2 :])
    rest = [{"index": index, "function": {"arguments": half}} for half in halves]
    return [{"tool_calls": [delta]} for delta in (first, *rest)]


def completion(text: str, request: Request) -> Delta:
    """A whole answer that says `text`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {**about(request, "chat.completion"), "choices": [choice], "usage": USAGE}


def chunk(request: Request, delta: Delta, finish: str | None = None) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event({**about(request, "chat.completion.chunk"), "choices": [choice]})


def about(request: Request, kind: str) -> Delta:
    return {"id": "chatcmpl-up", "object": kind, "created": 1_790_000_000, "model": request.asked}


def event(value: Any) -> bytes:
    """One SSE event. Text is written as it is (U+2028 too), and `INVALID` as the byte it stands for."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode(errors="surrogateescape") + b"\n\n"
