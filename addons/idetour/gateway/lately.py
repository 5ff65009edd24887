"""The latest requests as they were asked, in memory alone, so that their owner can send one again.

Never on disk, gone when idetour ends. The fields are those that the request was
read into, so to remember one costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Raw

from idetour.wire import raw

MOST = 20  # requests
MOST_BYTES = 2 << 20  # of one that is remembered

type Fields = Mapping[str, Raw]


@dataclass(slots=True)
class Lately:
    _asked: dict[str, Fields] = field(default_factory=dict)  # by id, the oldest first

    def remember(self, id: str, fields: Fields) -> None:
        """Unless it is too long. The oldest makes room."""
        if sum(len(memoryview(value)) for value in fields.values()) > MOST_BYTES:
            return
        self._asked[id] = fields
        if len(self._asked) > MOST:
            del self._asked[next(iter(self._asked))]

    def body(self, id: str) -> bytes | None:
        """What the request said, as JSON; None where it is not remembered (any more)."""
        fields = self._asked.get(id)
        return None if fields is None else raw.encode(dict(fields))
