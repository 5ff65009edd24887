"""Requests: Responses for `openai`, Chat Completions for all others, never streamed."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from .config import ModelConfig


@dataclass
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass
class ToolCall:
    name: str
    call_id: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass
class Answer:
    content: str
    model: str
    finish_reason: str
    usage: Usage | None
    tool_calls: list[ToolCall] | None


@dataclass
class Client:
    model: ModelConfig
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def responses(self) -> bool:
        return self.model.model_provider.provider == "openai"

    def ask(self, tools: list[str]) -> Answer:
        return self._responses(tools) if self.responses else self._chat(tools)

    def result(self, call: ToolCall, text: str) -> None:
        if self.responses:
            self.history.append({"type": "function_call_output", "call_id": call.call_id, "output": text})
        else:
            self.history.append({"role": "tool", "tool_call_id": call.call_id, "content": text})

    def _chat(self, tools: list[str]) -> Answer:
        said = [
            {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
            for name in tools
        ]
        body = {"messages": self.history, "model": self.model.model, "n": 1, "tools": said}
        got = self._post("/chat/completions", body | self._parameters("max_tokens"))
        message = got["choices"][0]["message"]
        calls = [
            ToolCall(each["function"]["name"], each["id"], json.loads(each["function"]["arguments"] or "{}"))
            for each in message.get("tool_calls") or []
        ]
        self.history.append({**message, "role": "assistant"})
        used = got.get("usage")
        usage = Usage(used["prompt_tokens"], used["completion_tokens"]) if used else None
        return Answer(
            message.get("content") or "",
            got["model"],
            got["choices"][0]["finish_reason"],
            usage,
            calls or None,
        )

    def _responses(self, tools: list[str]) -> Answer:
        said = [
            {"type": "function", "name": name, "parameters": {"type": "object"}, "strict": True}
            for name in tools
        ]
        body = {"input": self.history, "model": self.model.model, "tools": said}
        got = self._post("/responses", body | self._parameters("max_output_tokens"))
        text, calls = "", []
        for item in got["output"]:
            if item["type"] == "function_call":
                self.history.append(item)
                calls.append(
                    ToolCall(item["name"], item["call_id"], json.loads(item["arguments"] or "{}"), item["id"])
                )
            elif item["type"] == "message":
                text = "".join(part["text"] for part in item["content"])
        if text:  # after the calls, though it was said before them
            self.history.append({"role": "assistant", "type": "message", "content": text})
        used = got["usage"]
        cached, thought = (
            used["input_tokens_details"]["cached_tokens"],
            used["output_tokens_details"]["reasoning_tokens"],
        )
        usage = Usage(used["input_tokens"], used["output_tokens"], 0, cached, thought)
        return Answer(text, got["model"], got["status"], usage, calls or None)

    def _parameters(self, longest: str) -> dict[str, Any]:
        return {
            "temperature": self.model.temperature,
            "top_p": self.model.top_p,
            longest: self.model.max_tokens,
        }

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        """Whatever the error, it sleeps and tries again."""
        account = self.model.model_provider
        headers = {"content-type": "application/json", "authorization": f"Bearer {account.api_key}"}
        url = str(account.base_url).rstrip("/") + path
        for left in range(self.model.max_retries, -1, -1):
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(url, json.dumps(body).encode(), headers)
                ) as got:
                    return json.load(got)
            except urllib.error.HTTPError as error:
                said = f"Error code: {error.code} - {error.read().decode()}"
            except OSError:
                said = "Connection error."
            if not left:
                raise RuntimeError(said)
            time.sleep(0.05)  # the original: 3 to 30 seconds
