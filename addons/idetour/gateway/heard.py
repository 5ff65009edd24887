"""Ask the pipeline within this process and get the whole answer: for those who put it into a shape of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idetour.errors import RequestError
from idetour.gateway.record import Record
from idetour.wire.fault import parse_error


@dataclass(slots=True)
class Heard:
    """A client of the pipeline that keeps what it hears."""

    started: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started, self.headers = True, dict(headers)

    async def write(self, data: bytes) -> None:
        self.body += data

    async def end(self) -> None:
        """Nobody waits for it: the pipeline returns."""

    @property
    def marks(self) -> dict[str, str]:
        """The headers that say who answered, and when to come again where nobody did."""
        return {name: value for name, value in self.headers.items() if not name.startswith("content-")}

    def completion(self, record: Record) -> bytes:
        """The answer, by the record of how it went. Raises RequestError with what was told instead."""
        body = bytes(self.body)
        if record.outcome == "ok":
            return body
        told = parse_error(body.strip().removeprefix(b"data: "))  # an event, where the answer had begun
        raise RequestError(
            told.message,
            status=record.status,
            type=told.type,
            code=told.code,
            param=told.param,
            headers=self.marks,
        )
