"""What its owner asks an idetour."""

import json
from typing import Any

from endpoints.talk import Answer, ask
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


def events(answer: Answer) -> list[Any]:
    """The JSON of an event stream that has ended."""
    blocks = answer.body.decode().strip().split("\n\n")
    data = (line[6:] for block in blocks for line in block.splitlines() if line.startswith("data: "))
    return [json.loads(each) for each in data if each != "[DONE]"]
