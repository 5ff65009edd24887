"""Plain readers, which forgive nothing: what the upstream does is seen as it is."""

import json
import socket

import httpx2
from openai.types.chat import ChatCompletionMessageParam

from upstream import Upstream

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
HI = {"model": "m", "messages": ASK, "stream": True}


def read(upstream: Upstream, **timeout: float) -> bytes:
    """The body of an answer as it came; what broke it is raised."""
    with httpx2.Client(trust_env=False, timeout=timeout.get("timeout", 5)) as client:
        return client.post(f"{upstream.url}/chat/completions", json=HI).content


def said(upstream: Upstream) -> str:
    """The text of a streamed answer. Each call makes a connection of its own."""
    lines = read(upstream).decode().replace("\r\n", "\n").split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line and "[DONE]" not in line]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


def plug(upstream: Upstream, ask: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", upstream.port), timeout=2)
    sock.sendall(ask)
    return sock


def drain(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(4096), b""))
