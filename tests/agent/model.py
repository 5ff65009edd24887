"""A model that says what a test tells it to: turn by turn, over Chat Completions and Responses."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

type Call = tuple[str, dict[str, Any]]
type Turn = str | Sequence[Call]  # what is said, or what is called

DONE: Call = ("task_done", {})


def bash(command: str) -> Call:
    return "bash", {"command": command, "restart": False}


def create(path: str, text: str = "print('hello')\n") -> Call:
    return "str_replace_based_edit_tool", {"command": "create", "path": path, "file_text": text}


class Model:
    """Its last turn is repeated. Seconds: `delay` before each answer, `pause` between the pieces of a stream."""

    def __init__(self, *turns: Turn, delay: float = 0.0, status: int = 200, pause: float = 0.0) -> None:
        self.turns, self.delay, self.status, self.pause = turns, delay, status, pause
        self.requests: list[dict[str, Any]] = []  # bodies, with `path` and `key`
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                key = str(self.headers["authorization"]).removeprefix("Bearer ")
                model.requests.append({**body, "path": self.path, "key": key})
                time.sleep(model.delay)
                if body.get("stream") and model.status == 200:
                    return self.stream(model.answer(self.path, body))
                said = json.dumps(model.answer(self.path, body)).encode()
                self.send_response(model.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def stream(self, whole: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                for chunk in chunks(whole):
                    self.wfile.write(b"data: %b\n\n" % json.dumps(chunk).encode())
                    time.sleep(model.pause)
                self.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, format: str, *words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] # agents are killed in mid-air
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        if self.status != 200:
            return {"error": {"message": f"the model says {self.status}"}}
        chat = path.endswith("/chat/completions")
        turn = self._turn(body["messages"] if chat else body["input"])
        text, calls = (turn, []) if isinstance(turn, str) else ("working on it", [*turn])
        named = [(f"call_{len(self.requests)}_{at}", *call) for at, call in enumerate(calls)]
        return completion(body, text, named) if chat else response(body, text, named)

    def _turn(self, history: list[dict[str, Any]]) -> Turn:
        """How many answers there are in the history."""
        said = sum(each.get("role") == "assistant" for each in history)
        turn: Turn = self.turns[min(said, len(self.turns) - 1)]
        return turn


def completion(
    body: dict[str, Any], text: str, calls: list[tuple[str, str, dict[str, Any]]]
) -> dict[str, Any]:
    made = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for id, name, arguments in calls
    ]
    message = {"role": "assistant", "content": text, **({"tool_calls": made} if made else {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if made else "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def chunks(whole: dict[str, Any], size: int = 8) -> Iterator[dict[str, Any]]:
    """A completion in pieces of so many characters."""
    about = {**whole, "object": "chat.completion.chunk"}
    choice, usage = whole["choices"][0], about.pop("usage")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**about, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    for at in range(0, len(text := choice["message"]["content"]), size):
        yield chunk({"content": text[at : at + size]})
    for index, call in enumerate(choice["message"].get("tool_calls", ())):
        arguments = call["function"]["arguments"]
        first = {**call, "function": {**call["function"], "arguments": ""}}
        yield chunk({"tool_calls": [{"index": index, **first}]})
        for at in range(0, len(arguments), size):
            piece = {"index": index, "function": {"arguments": arguments[at : at + size]}}
            yield chunk({"tool_calls": [piece]})
    yield {**chunk({}, choice["finish_reason"]), "usage": usage}


def response(body: dict[str, Any], text: str, calls: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    said = {"type": "output_text", "text": text, "annotations": []}
    output: list[dict[str, Any]] = [
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [said]}
    ]
    output += [
        {
            "type": "function_call",
            "id": f"fc_{id}",
            "call_id": id,
            "name": name,
            "arguments": json.dumps(arguments),
            "status": "completed",
        }
        for id, name, arguments in calls
    ]
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 110,
        },
    }
