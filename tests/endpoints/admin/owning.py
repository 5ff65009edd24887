"""What its owner asks an idetour."""

import json
from typing import Any

from endpoints.talk import Answer, Line, ask, request
from idetour.endpoints.admin import EVENTS
from idetour.secret import Secret

TOKEN = Secret("t" * 43)
BEARER = {"authorization": f"Bearer {TOKEN.reveal()}"}
ROUTES = "routes: {r: [{use: {up/a: 1, up/b: 1}}]}"
STATUS = "/admin/api/status"


def own(port: int, method: str = "GET", path: str = STATUS, body: object = None, **headers: str) -> Answer:
    sent = {"content_type": "application/json", **BEARER, **headers}
    return ask(port, method, path, b"" if body is None else json.dumps(body).encode(), **sent)


def got(port: int, path: str) -> Any:
    """The JSON of a path below `/admin/api`."""
    answer = own(port, "GET", f"/admin/api/{path}")
    assert answer.status == 200, answer.body
    return answer.json()


class Listening(Line):
    """A connection that hears events as an `EventSource` does."""

    def __init__(self, port: int, path: str = EVENTS, **headers: str) -> None:
        super().__init__(port)
        self.send(request("GET", path, **BEARER, **headers))
        head = self._head()
        assert head[0].split()[1] == "200", head
        self._rest = b""

    def ended(self) -> bool:
        """Whether nothing more comes, and the answer is whole."""
        return not self._rest and self._line() == "0"

    def event(self) -> tuple[str, Any]:
        """The next id and what it says."""
        while b"\n\n" not in self._rest:
            self._rest += self._file.read(int(self._line(), 16) + 2)[:-2]
        block, _, self._rest = self._rest.partition(b"\n\n")
        fields = dict(line.split(": ", 1) for line in block.decode().splitlines())
        return fields["id"], json.loads(fields["data"])


def events(answer: Answer) -> list[Any]:
    """The JSON of an event stream that has ended."""
    blocks = answer.body.decode().strip().split("\n\n")
    data = (line[6:] for block in blocks for line in block.splitlines() if line.startswith("data: "))
    return [json.loads(each) for each in data if each != "[DONE]"]
