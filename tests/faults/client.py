"""A client that believes nothing: it keeps every byte of an answer, however the answer ends."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

MESSAGES = [{"role": "user", "content": "hi"}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer as it came. `cut` is what ended the connection before the answer's own end."""

    status: int
    headers: httpx2.Headers
    body: bytes
    cut: str | None = None

    @property
    def events(self) -> list[Any]:
        """The data of each event of a stream, [DONE] left out. Comments are no events."""
        lines = [line for line in self.body.split(b"\n") if line.startswith(b"data:")]
        return [json.loads(line[5:]) for line in lines if line.strip() != b"data: [DONE]"]

    @property
    def done(self) -> bool:
        return b"data: [DONE]" in self.body

    @property
    def choices(self) -> list[Any]:
        return [choice for event in self.events for choice in event.get("choices", ())]

    @property
    def text(self) -> str:
        """What the model said, streamed or whole."""
        if not self.streamed:
            return str(self.json()["choices"][0]["message"]["content"])
        return "".join(choice["delta"].get("content") or "" for choice in self.choices)

    @property
    def finished(self) -> bool:
        """Whether anything in it makes it look complete."""
        return self.done or any(choice.get("finish_reason") for choice in self.choices)

    @property
    def error(self) -> dict[str, Any]:
        """The error object: of the body, or of the event that ends a stream. {} if there is none."""
        last = self.events[-1] if self.streamed and self.events else {} if self.streamed else self.json()
        return dict(last.get("error", {}))

    @property
    def streamed(self) -> bool:
        return self.headers["content-type"].startswith("text/event-stream")

    def json(self) -> Any:
        return json.loads(self.body)

    def __contains__(self, text: str) -> bool:
        """Whether the text is anywhere in it: body or headers."""
        return text.encode() in self.body or any(text in value for value in self.headers.values())


def listen(
    url: str, content: bytes | Iterator[bytes], headers: Mapping[str, str], gate: threading.Event | None
) -> Heard:
    """Send bytes, keep what comes back. The gate opens when the first event with an answer's text has come."""
    named = {"content-type": "application/json", **headers}
    body, cut = bytearray(), None
    with (
        httpx2.Client(trust_env=False, timeout=20, verify=False) as client,
        client.stream("POST", url, content=content, headers=named) as answer,
    ):
        try:
            for part in answer.iter_raw():
                body += part
                if gate and b'"delta"' in body:
                    gate.set()
        except httpx2.TransportError as error:
            cut = type(error).__name__
    return Heard(status=answer.status_code, headers=answer.headers, body=bytes(body), cut=cut)


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks one gateway."""

    url: str  # without a path

    def chat(
        self, model: str = "m", *, stream: bool = True, gate: threading.Event | None = None, **fields: Any
    ) -> Heard:
        """A request as an IDE sends it. The key is one that must be seen nowhere else."""
        body = json.dumps({"model": model, "messages": MESSAGES, "stream": stream, **fields}).encode()
        return self.send(body, {"authorization": "Bearer sk-typed-in-the-ide"}, gate=gate)

    def send(
        self,
        content: bytes | Iterator[bytes],
        headers: Mapping[str, str] = {},
        *,
        gate: threading.Event | None = None,
    ) -> Heard:
        return listen(f"{self.url}/v1/chat/completions", content, headers, gate)


def took(began: float) -> float:
    return time.monotonic() - began
