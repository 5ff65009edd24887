"""The upstream: answers each chat request as its script says, one write for one event.

Run as `python -m tools.bench.mock PLAIN_PORT TLS_PORT CERTIFICATE`. `GET /left`
tells when which stream was given up by its reader.
"""

import asyncio
import json
import random
import ssl
import sys
import time

import httptools

from .script import Script, read, run

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"
STREAM = HEAD % b"text/event-stream" + b"Transfer-Encoding: chunked\r\n\r\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
ANSWER = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "usage": USAGE,
}
ANSWER["choices"] = [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Done."}}
]
MODELS = {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "bench"}]}
EVENT = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1,"model":"gpt-4o",'
    b'"system_fingerprint":"fp_bench","choices":[{"index":0,"delta":%b,"logprobs":null,"finish_reason":%b}]%b}\n\n'
)

left: dict[int, int] = {}  # script id → when its stream was given up


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


END = (
    chunk(EVENT % (b"{}", b'"stop"', b',"usage":' + json.dumps(USAGE).encode()))
    + chunk(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)


class Upstream(asyncio.Protocol):
    """One connection from a proxy, or from the client itself."""

    transport: asyncio.Transport
    script: Script | None = None  # of the stream that is under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.parser = httptools.HttpRequestParser(self)
        self.start = bytearray()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self.script:
            left[self.script.id] = time.monotonic_ns()
            self.script = None

    def on_url(self, url: bytes) -> None:
        self.url = url
        self.start.clear()

    def on_body(self, body: bytes) -> None:
        if len(self.start) < 4096:
            self.start += body

    def on_message_complete(self) -> None:
        script = read(self.start)
        if self.url.endswith(b"/left"):
            self.whole(left)
            left.clear()
        elif not script:
            self.whole(MODELS)
        elif not script.chunks:
            self.whole(ANSWER)
        else:
            self.begin(script)

    def whole(self, content: object) -> None:
        body = json.dumps(content).encode()
        head = HEAD % b"application/json" + b"Content-Length: %d\r\n\r\n" % len(body)
        self.transport.write(head if self.parser.get_method() == b"HEAD" else head + body)

    def begin(self, script: Script) -> None:
        self.script, self.sent = script, 0
        self.got = time.monotonic_ns()
        self.due = self.loop.time() - random.random() * script.delay / 1e6  # streams do not march in step
        self.wait(script)

    def wait(self, script: Script) -> None:
        self.due += script.delay / 1e6
        self.loop.call_at(self.due, self.send, script)

    def send(self, script: Script) -> None:
        if self.script is not script:
            return
        if self.sent == script.chunks:
            self.script = None
            self.transport.write(END)
            return
        self.sent += 1
        content = b'{"content":" @%d.%d@"}' % (self.got, time.monotonic_ns())
        event = chunk(EVENT % (content, b"null", b""))
        self.transport.write(event if self.sent > 1 else STREAM + event)
        self.wait(script)


async def serve(plain: int, tls: int, certificate: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    await loop.create_server(Upstream, "127.0.0.1", plain, backlog=1000)
    await loop.create_server(Upstream, "127.0.0.1", tls, ssl=context, backlog=1000)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
