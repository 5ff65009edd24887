"""A scripted model that needs no key and no network, so that a newcomer sees a stream at once.

It is no AI and says so. It speaks the same wire as a real upstream, through
the same waist, so everything above it is exercised for real.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from idetour.errors import BadRequest, NotFound
from idetour.upstreams.errand import next_call
from idetour.upstreams.transport import Incoming, Outgoing
from idetour.wire import estimate, raw

MODELS = ("hello", "thinker", "tools", "agent", "slow")
PAUSE_SECONDS = 0.03  # between words: slow enough to see that it streams
GREETING = (
    "Hello from idetour's demo model. I am a script, not an AI: this text came through the same "
    "pipeline that a real model's answer takes. You said: “{said}” "
    "To get real answers, set a key such as NVIDIA_API_KEY and ask for one of its models. "
    "你好！我是 idetour 的演示脚本，不是 AI。设置密钥（例如 NVIDIA_API_KEY）后即可使用真实模型。"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the script does: a delta to send after a pause in seconds."""

    delta: Mapping[str, Any]
    pause: float = PAUSE_SECONDS


@dataclass(slots=True)
class Demo:
    """The transport of `demo/…` targets."""

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Raises BadRequest, NotFound."""
        request = read(outgoing.body or b"{}")
        if request.get("model") not in MODELS:
            raise NotFound(
                f"There is no demo/{request.get('model')}. There are: {', '.join(MODELS)}.",
                code="model_not_found",
            )
        return Script(request, tuple(steps(request)))


def read(body: bytes) -> dict[str, Any]:
    """Raises BadRequest, as a real upstream would, where what we left unparsed cannot be parsed."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request cannot be read: {error}") from None


def steps(request: Mapping[str, Any]) -> Iterator[Step]:
    """What each demo model does with a request."""
    messages = request.get("messages") or []
    said = newest_words(messages)
    model = request.get("model")
    yield Step({"role": "assistant", "content": ""}, 0)
    if model == "tools" and (tools := request.get("tools")) and not answered(messages):
        yield from tool_call(tools[0] if isinstance(tools, list) else {})
        return
    if model == "agent" and (call := next_call(messages, request.get("tools"))):
        yield from (Step({"content": word}) for word in words(call.words))
        yield from arriving(call.tool, call.arguments, id=f"call_demo_{len(messages)}")
        return
    if model == "thinker":
        for word in words(
            f"The user said “{said}”. I have no thoughts of my own, so I show where thoughts go."
        ):
            yield Step({"reasoning_content": word})
    pause = 1.0 if model == "slow" else PAUSE_SECONDS
    for word in words(GREETING.format(said=said)):
        yield Step({"content": word}, pause)


def tool_call(tool: Any) -> Iterator[Step]:
    """Call the first tool that was offered."""
    function = inside(tool, "function")
    properties = inside(function, "parameters", "properties")
    arguments = {name: example(schema) for name, schema in properties.items()}
    yield from arriving(function.get("name", ""), arguments)


def arriving(tool: str, arguments: Mapping[str, Any], *, id: str = "call_demo") -> Iterator[Step]:
    """A call in pieces."""
    text = msgspec.json.encode(arguments).decode()
    head = {"name": tool, "arguments": ""}
    yield Step({"tool_calls": [{"index": 0, "id": id, "type": "function", "function": head}]})
    for at in range(0, len(text), 8):
        yield Step({"tool_calls": [{"index": 0, "function": {"arguments": text[at : at + 8]}}]})


def inside(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at the end of `path`; an empty one where something else lies on the way."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def example(schema: Any) -> Any:
    """A value of a JSON Schema's type."""
    examples = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    kind = inside(schema).get("type")
    return examples.get(kind, "demo") if isinstance(kind, str) else "demo"


def words(text: str) -> list[str]:
    """The text in pieces that join to it again."""
    pieces = text.split(" ")
    return [piece + " " for piece in pieces[:-1]] + pieces[-1:]


def newest_words(messages: list[Any]) -> str:
    """The newest user text, in one line of at most 200 characters."""
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                content = " ".join(str(inside(part).get("text") or "") for part in content)
            return " ".join(str(content or "").split())[:200]
    return ""


def answered(messages: list[Any]) -> bool:
    """Whether the conversation ends with a tool's result."""
    return inside(messages[-1]).get("role") == "tool"


def heard(request: Mapping[str, Any]) -> int:
    """Tokens of what was asked."""
    fields = {name: raw.of(request[name]) for name in estimate.FIELDS if name in request}
    messages = request.get("messages") or []
    pictures = bytes(fields.get("messages", raw.EMPTY_LIST)).count(b";base64,")
    return estimate.tokens(fields, messages=len(messages), images=pictures)


def spoken(script: Iterable[Step]) -> int:
    """Tokens of what the script says, thinks and calls."""
    said: list[str] = []
    for step in script:
        calls = (call["function"] for call in step.delta.get("tool_calls", ()))
        said += [step.delta.get(name, "") for name in ("reasoning_content", "content")]
        said += [text for function in calls for text in (function.get("name", ""), function["arguments"])]
    return max(1, round(estimate.counted(memoryview("".join(said).encode(errors="replace")))))


@dataclass(slots=True)
class Script:
    """The answer as `Incoming`: server-sent events, a pause before each."""

    request: Mapping[str, Any]
    script: tuple[Step, ...]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    _at: int = field(default=0, init=False)
    _id: str = field(default_factory=lambda: f"chatcmpl-demo{time.time_ns():x}", init=False)
    _created: int = field(default_factory=lambda: int(time.time()), init=False)

    async def read(self) -> bytes:
        at, self._at = self._at, self._at + 1
        if at < len(self.script):
            step = self.script[at]
            await asyncio.sleep(step.pause)
            return self._event({"index": 0, "delta": step.delta, "finish_reason": None})
        if at == len(self.script):
            called = any("tool_calls" in step.delta for step in self.script)
            return self._event({"index": 0, "delta": {}, "finish_reason": "tool_calls" if called else "stop"})
        return self._usage() + b"data: [DONE]\n\n" if at == len(self.script) + 1 else b""

    def close(self) -> None:
        self._at = len(self.script) + 2

    def _event(self, choice: Mapping[str, Any] | None, **more: Any) -> bytes:
        chunk = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self.request.get("model"),
            "choices": [choice] if choice else [],
            **more,
        }
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    def _usage(self) -> bytes:
        """Token counts as idetour estimates them, tools included: this model has no tokeniser."""
        prompt, completion = heard(self.request), spoken(self.script)
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
        return self._event(None, usage=usage)
