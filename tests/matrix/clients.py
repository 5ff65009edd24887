"""Three clients that hold a conversation, each in its own protocol, with the current SDKs of OpenAI and Anthropic.

What the model said goes back as the SDK gives it: whatever the SDK cannot read or write shows here.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

import anthropic
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

from matrix.voices import Call

type Json = dict[str, Any]

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}}}
TOOLS = {"ls": "List a folder.", "cat": "Show a file."}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class Heard:
    """What an answer said. `usage`: tokens of the prompt, of these from the cache, of the answer, of these thoughts."""

    model: str
    text: str
    thought: str
    calls: tuple[Call, ...]
    usage: tuple[int, int, int, int]


@dataclass(frozen=True)
class Failure:
    """What an SDK made of an error: HTTP status (0: it came inside an answer), and all that it shows."""

    status: int
    told: str


class Broken(Exception):
    """A stream of Responses that ended as failed."""


class Client(Protocol):
    def say(self, text: str, *, image: bool = False) -> None: ...
    def result(self, call: Call, text: str) -> None: ...
    def ask(self, *, tools: bool = False) -> Heard: ...


@dataclass
class Chat:
    url: str
    model: str
    stream: bool
    turns: list[Any] = field(default_factory=list)

    def say(self, text: str, *, image: bool = False) -> None:
        content: Any = [{"type": "text", "text": text}]
        if image:
            content.append({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}})
        self.turns.append({"role": "user", "content": content if image else text})

    def result(self, call: Call, text: str) -> None:
        self.turns.append({"role": "tool", "tool_call_id": call.id, "content": text})

    def ask(self, *, tools: bool = False) -> Heard:
        functions = [
            {"type": "function", "function": {"name": name, "description": said, "parameters": SCHEMA}}
            for name, said in TOOLS.items()
        ]
        asked: Json = {"model": self.model, "messages": self.turns} | ({"tools": functions} if tools else {})
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key="typed", max_retries=0) as client:
            answered = self._streamed if self.stream else self._whole
            made = answered(client, asked)
        message = made.choices[0].message.model_dump(exclude_none=True, exclude={"parsed"})
        for call in message.get("tool_calls") or ():
            call["function"].pop("parsed_arguments", None)
            call.pop("index", None)
        self.turns.append(message)
        used = made.usage
        return Heard(
            model=made.model,
            text=message.get("content") or "",
            thought=message.get("reasoning_content") or "",
            calls=tuple(
                Call(each["id"], each["function"]["name"], json.loads(each["function"]["arguments"]))
                for each in message.get("tool_calls") or ()
            ),
            usage=(
                used.prompt_tokens,
                used.prompt_tokens_details.cached_tokens,
                used.completion_tokens,
                used.completion_tokens_details.reasoning_tokens,
            ),
        )

    def _whole(self, client: openai.OpenAI, asked: Json) -> Any:
        return client.chat.completions.create(**asked)

    def _streamed(self, client: openai.OpenAI, asked: Json) -> Any:
        state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
        with client.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        ) as read:
            for chunk in read:
                state.handle_chunk(chunk)
        return state.get_final_completion()


@dataclass
class Messages:
    url: str
    model: str
    stream: bool
    turns: list[Any] = field(default_factory=list)

    def say(self, text: str, *, image: bool = False) -> None:
        content: Any = [{"type": "text", "text": text}]
        if image:
            source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
            content.append({"type": "image", "source": source})
        self.turns.append({"role": "user", "content": content})

    def result(self, call: Call, text: str) -> None:
        block = {"type": "tool_result", "tool_use_id": call.id, "content": text}
        if self.turns[-1]["role"] == "user":
            self.turns[-1]["content"].append(block)
        else:
            self.turns.append({"role": "user", "content": [block]})

    def ask(self, *, tools: bool = False) -> Heard:
        described = [
            {"name": name, "description": said, "input_schema": SCHEMA} for name, said in TOOLS.items()
        ]
        asked: Json = {"model": self.model, "messages": self.turns, "max_tokens": 9000}
        asked |= {"tools": described} if tools else {}
        with anthropic.Anthropic(base_url=self.url, api_key="typed", max_retries=0) as client:
            made = self._streamed(client, asked) if self.stream else client.messages.create(**asked)
        blocks = [each.model_dump(exclude_none=True) for each in made.content]
        self.turns.append({"role": "assistant", "content": blocks})
        used = made.usage
        return Heard(
            model=made.model,
            text="".join(each["text"] for each in blocks if each["type"] == "text"),
            thought="".join(each["thinking"] for each in blocks if each["type"] == "thinking"),
            calls=tuple(
                Call(each["id"], each["name"], each["input"]) for each in blocks if each["type"] == "tool_use"
            ),
            usage=(
                used.input_tokens + (used.cache_read_input_tokens or 0),
                used.cache_read_input_tokens or 0,
                used.output_tokens,
                used.output_tokens_details.thinking_tokens if used.output_tokens_details else 0,
            ),
        )

    def _streamed(self, client: anthropic.Anthropic, asked: Json) -> Any:
        with client.messages.stream(**asked) as read:
            return read.get_final_message()


@dataclass
class Responses:
    url: str
    model: str
    stream: bool
    turns: list[Any] = field(default_factory=list)

    def say(self, text: str, *, image: bool = False) -> None:
        content: Any = [{"type": "input_text", "text": text}]
        if image:
            content.append({"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"})
        self.turns.append({"role": "user", "content": content})

    def result(self, call: Call, text: str) -> None:
        self.turns.append({"type": "function_call_output", "call_id": call.id, "output": text})

    def ask(self, *, tools: bool = False) -> Heard:
        functions = [
            {"type": "function", "name": name, "description": said, "parameters": SCHEMA, "strict": False}
            for name, said in TOOLS.items()
        ]
        asked: Json = {"model": self.model, "input": self.turns, "store": False}
        asked |= {"include": ["reasoning.encrypted_content"]} | ({"tools": functions} if tools else {})
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key="typed", max_retries=0) as client:
            answered = self._streamed if self.stream else self._whole
            made = answered(client, asked)
        items = [each.model_dump(exclude_none=True) for each in made.output]
        self.turns += [
            {name: value for name, value in item.items() if name != "parsed_arguments"} for item in items
        ]
        used = made.usage
        return Heard(
            model=made.model,
            text=made.output_text,
            thought="".join(
                part["text"] for each in items if each["type"] == "reasoning" for part in each["summary"]
            ),
            calls=tuple(
                Call(each["call_id"], each["name"], json.loads(each["arguments"]))
                for each in items
                if each["type"] == "function_call"
            ),
            usage=(
                used.input_tokens,
                used.input_tokens_details.cached_tokens,
                used.output_tokens,
                used.output_tokens_details.reasoning_tokens,
            ),
        )

    def _whole(self, client: openai.OpenAI, asked: Json) -> Any:
        return client.responses.create(**asked)

    def _streamed(self, client: openai.OpenAI, asked: Json) -> Any:
        """The last event's response. The SDK raises nothing: an error is two events, which agents look for."""
        with client.responses.create(**asked, stream=True) as read:
            *_, before, last = read
        if last.type != "response.completed":
            assert (before.type, last.type) == ("error", "response.failed")
            raise Broken(f"{before} {last}")
        return last.response


CLIENTS: dict[str, type[Chat | Messages | Responses]] = {
    "chat": Chat,
    "messages": Messages,
    "responses": Responses,
}


def failure(client: Client) -> Failure:
    """How the SDK fails. AssertionError where it does not."""
    try:
        heard = client.ask()
    except (openai.APIError, anthropic.APIError, Broken) as error:
        return Failure(getattr(error, "status_code", 0) or 0, f"{error} {getattr(error, 'body', '')}")
    raise AssertionError(f"no error was told, but: {heard.text}")
