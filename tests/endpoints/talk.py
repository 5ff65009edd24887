"""HTTP by hand: every byte of a request is the test's, and every answer is read as it stands on the wire."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

HELLO: Mapping[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json()["error"]["code"])


class Line:
    """A connection. `answer` reads one answer; ConnectionError where the server says nothing more."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def answer(self, *, body: bool = True) -> Answer:
        """Answers to HEAD have no `body`."""
        first, *lines = self._head()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        read = self._body(headers) if body else b""
        return Answer(int(first.split(" ")[1]), headers, read)

    def ended(self) -> bool:
        """Whether the server has closed it, with nothing more to say."""
        return self._file.read(1) == b""

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _line(self) -> str:
        line = self._file.readline()
        if not line:
            raise ConnectionError("the server closed before the answer was whole")
        return line.decode("latin-1").rstrip("\r\n")

    def _head(self) -> list[str]:
        return list(iter(self._line, ""))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if "content-length" in headers:
            return self._file.read(int(headers["content-length"]))
        made = b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(self._line(), 16):
                made += self._file.read(size + 2)[:-2]
            self._line()
        return made


def request(method: str, path: str, body: bytes = b"", /, **headers: str) -> bytes:
    """A request as bytes. `_` in a header's name stands for `-`; an empty value leaves the header out."""
    sent = {"host": "127.0.0.1", **({"content-length": str(len(body))} if body else {})}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in sent.items() if value),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + body


def ask(port: int, method: str = "GET", path: str = "/", body: bytes = b"", /, **headers: str) -> Answer:
    """One request on a connection of its own."""
    with Line(port) as line:
        return line.send(request(method, path, body, **headers)).answer(body=method != "HEAD")


def look(port: int, path: str = "/", /, **headers: str) -> Answer:
    return ask(port, "GET", path, b"", **headers)


def chat(
    port: int, *, path: str = "/v1/chat/completions", headers: Mapping[str, str] = {}, **fields: Any
) -> Answer:
    return ask(port, "POST", path, json.dumps({**HELLO, **fields}).encode(), **headers)
