"""The cases in tests/golden/wire/responses: what came, a line of dashes, what became of it.

requests   a Responses body; the Chat body, or where it is refused, `param: sentence`
streams    Chat chunks, after a line of what was asked where it matters; the events of Responses
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from idetour.errors import BadRequest
from idetour.wire import responses, responses_tools
from idetour.wire.raw import fields, of
from idetour.wire.responses_object import Frame
from idetour.wire.responses_store import Store
from idetour.wire.responses_stream import Teller
from wire.golden import DASHES

FOLDER = Path(__file__).parent.parent / "golden" / "wire" / "responses"


class Case(NamedTuple):
    name: str
    given: bytes
    expected: str


def read(path: Path) -> Case:
    given, expected = path.read_text("utf-8").split(DASHES)
    return Case(path.stem, given.encode(), expected.rstrip("\n"))


def asked(body: bytes) -> str:
    """What becomes of a request, as the cases write it."""
    try:
        request = responses.read(body, Store())
        if request.chat.refusal:
            raise request.chat.refusal
    except BadRequest as error:
        return f"{error.param}: {error.message}"
    made: dict[str, Any] = {name: json.loads(bytes(value)) for name, value in request.chat.fields.items()}
    return json.dumps(made, indent=1, ensure_ascii=False)


SMALL = Frame("resp_1", {"model": of("m")})  # so that the cases show what matters


def teller(given: bytes, frame: Frame = SMALL) -> tuple[Teller, bytes]:
    """Who tells the case's stream, and the stream."""
    first, _, rest = given.partition(b"\n\n")
    if not first.startswith(b"{"):
        first, rest = b"{}", given
    request = fields(first)
    return Teller(frame, responses_tools.read(request), sealed="sealed" in request), rest + b"\n\n"


def cases(kind: str) -> dict[str, Case]:
    return {path.stem: read(path) for path in sorted((FOLDER / kind).glob("*.txt"))}


REQUESTS, STREAMS = cases("requests"), cases("streams")
