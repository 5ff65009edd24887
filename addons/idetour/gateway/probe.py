"""What a model can do, found out by asking it: a handful of short questions, each about one thing.

They go the way that every request goes, so an answer here is what an IDE would
get, and what the upstream refuses on the way is learned as a quirk.
"""

import base64
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from idetour.gateway.heard import Heard
from idetour.gateway.pipeline import Pipeline
from idetour.gateway.record import Record
from idetour.profile import Profile, Target
from idetour.routes.asked import Asked
from idetour.wire import chat, sse

MOST_TOKENS = 300  # of an answer: who thinks before it speaks needs some
SIDE = 32  # pixels of the picture; some models refuse smaller ones
RED = b"\xff\x00\x00"

type Verdict = Literal["yes", "changed", "no"]
type Body = dict[str, Any]

WEATHER = {
    "name": "weather",
    "description": "The weather in a city, now.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
TOOLS = [{"type": "function", "function": WEATHER}]
STRICT = [{"type": "function", "function": WEATHER | {"strict": True}}]
SCHEMA = {
    "type": "object",
    "properties": {"sum": {"type": "integer"}},
    "required": ["sum"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "sum", "strict": True, "schema": SCHEMA}}


@dataclass(frozen=True, slots=True)
class Finding:
    """`changed`: yes, after the request was changed so that the upstream takes it. `remark` is for people."""

    what: str
    verdict: Verdict
    remark: str = ""


@dataclass(slots=True)
class Probe:
    """One target. The caller reads `findings`, and what they cost in tokens."""

    pipeline: Pipeline
    profile: Profile
    target: Target
    findings: list[Finding] = field(default_factory=list)
    prompt: int = 0
    completion: int = 0

    async def run(self) -> None:
        """Ask everything; after a first question that fails nothing more."""
        await self._try("answers", answers, say("Say: hello"))
        if self.findings[0].verdict == "no":
            return
        await self._stream()
        called = await self._try("tools", calls, {**say("How is the weather in Paris?"), "tools": TOOLS})
        if called:
            await self._try("tool results", answers, results(called))
        await self._try(
            "tool_choice required", calls, {**say("Hello!"), "tools": TOOLS, "tool_choice": "required"}
        )
        cities = say("How is the weather in Paris, and how in Rome? Ask for both at once.")
        await self._try("parallel calls", several, {**cities, "tools": TOOLS})
        await self._try("strict tools", calls, {**say("How is the weather in Paris?"), "tools": STRICT})
        await self._try("images", sees, picture())
        await self._try("JSON schema", fits, {**say("What is 2 + 3?"), "response_format": FORMAT})
        await self._try(
            "developer role",
            answers,
            {"messages": [{"role": "developer", "content": "Be brief."}, *say("Hi")["messages"]]},
        )

    async def _ask(self, body: Body) -> tuple[Heard, Record]:
        whole = {"max_tokens": MOST_TOKENS, **body, "model": str(self.target)}
        heard, record = Heard(), Record(asked=str(self.target), door="probe")
        request = chat.read(json.dumps(whole).encode())
        asked = Asked(request=request, headers={"user-agent": "idetour"})
        await self.pipeline.chat(self.profile, request, heard, key=None, record=record, asked=asked)
        if record.usage:
            self.prompt += record.usage.prompt
            self.completion += record.usage.completion
        return heard, record

    async def _try(self, what: str, judge: Callable[[Body], str | None], body: Body) -> Body | None:
        """Ask one thing. The message, where it is what was asked for."""
        heard, record = await self._ask(body)
        if record.outcome != "ok":
            self._found(what, "no", self._words(record))
            return None
        message: Body = json.loads(heard.body)["choices"][0]["message"]
        if lacking := judge(message):
            self._found(what, "no", lacking)
            return None
        self._found(what, "changed" if record.changed else "yes", ", ".join(record.changed))
        return message

    async def _stream(self) -> None:
        """Three findings from one answer."""
        body = {
            **say("What is 17 * 23?"),
            "stream": True,
            "stream_options": {"include_usage": True},
            "reasoning_effort": "low",
        }
        heard, record = await self._ask(body)
        if record.outcome != "ok":
            return self._found("streams", "no", self._words(record))
        verdict: Verdict = "changed" if record.changed else "yes"
        events = sse.Reader().feed(bytes(heard.body))
        chunks: list[Body] = [json.loads(each.data) for each in events if each.data[:1] == b"{"]
        deltas = [choice.get("delta") or {} for chunk in chunks for choice in chunk["choices"]]
        self._found("streams", verdict, ", ".join(record.changed))
        self._found("usage in a stream", "yes" if any(chunk.get("usage") for chunk in chunks) else "no")
        ways = [*reasons(deltas)]
        self._found("reasoning", "yes" if ways else "no", ", ".join(ways))

    def _words(self, record: Record) -> str:
        """Why it was refused; by whom is known."""
        title = self.profile.upstreams[self.target.upstream].title
        return (record.error or "").removeprefix(f"{title} ({self.target}): ")

    def _found(self, what: str, verdict: Verdict, remark: str = "") -> None:
        self.findings.append(Finding(what, verdict, remark))


def say(text: str) -> Body:
    return {"messages": [{"role": "user", "content": text}]}


def results(called: Body) -> Body:
    """The turn after a call, as an IDE sends it that keeps the calls and drops the reasoning."""
    said = {"role": "assistant", "content": called.get("content") or "", "tool_calls": called["tool_calls"]}
    told = [
        {"role": "tool", "tool_call_id": call["id"], "content": "18 °C, dry"} for call in called["tool_calls"]
    ]
    return {"messages": [*say("How is the weather in Paris?")["messages"], said, *told], "tools": TOOLS}


def picture() -> Body:
    """A question about a red square."""
    url = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    parts = [
        {"type": "text", "text": "Which colour is this? One word."},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    return {"messages": [{"role": "user", "content": parts}]}


def png() -> bytes:
    """A red square (https://www.w3.org/TR/png-3/)."""
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    rows = (b"\0" + RED * SIDE) * SIDE
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


# Each of these says what a message lacks, or nothing.


def answers(message: Body) -> str | None:
    said = any(message.get(name) for name in ("content", "reasoning_content", "reasoning", "tool_calls"))
    return None if said else "the answer is empty"


def calls(message: Body) -> str | None:
    names = [call["function"]["name"] for call in message.get("tool_calls") or ()]
    if not names:
        return "it called nothing"
    return None if set(names) == {WEATHER["name"]} else f"it called {', '.join(names)}"


def several(message: Body) -> str | None:
    made = len(message.get("tool_calls") or ())
    return None if made > 1 else "one call at a time" if made else "it called nothing"


def sees(message: Body) -> str | None:
    said = str(message.get("content") or "")
    red = any(word in said.lower() for word in ("red", "rot", "红"))
    return None if red else f"it took the picture and saw: {said[:60]}"


def fits(message: Body) -> str | None:
    said = str(message.get("content") or "")
    try:
        return None if json.loads(said) == {"sum": 5} else f"another answer: {said[:60]}"
    except ValueError:
        return f"no JSON: {said[:60]}"


def reasons(deltas: list[Body]) -> Iterator[str]:
    """The ways in which reasoning came."""
    for name in ("reasoning_content", "reasoning", "reasoning_details"):
        if any(delta.get(name) for delta in deltas):
            yield name
    if "".join(delta.get("content") or "" for delta in deltas).lstrip().startswith("<think"):
        yield "<think> in the text"
