"""The responses that can be asked for again, in this process's memory.

A client with `previous_response_id` sends only what is new, so what was said
before has to be here. It is gone after a restart, after a day, and when more
responses than fit have come since: OpenAI's own answer then is
`previous_response_not_found`, upon which clients send the whole again.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec import Raw

from idetour.errors import BadRequest, NotFound
from idetour.wire import raw
from idetour.wire.turns import any_members, string

MOST = 1000  # responses
LARGEST = 50 << 20  # bytes, of all together
LONGEST = 24 * 3600.0  # seconds
WHY = "idetour keeps responses in memory, the last 1,000 for a day, and none that was asked for with `store: false`"


@dataclass(frozen=True, slots=True)
class Kept:
    """`said` is the request's own input; what was before that is kept with `previous`."""

    response: bytes
    said: bytes
    previous: str | None
    until: float  # on the store's clock

    @property
    def size(self) -> int:
        return len(self.response) + len(self.said)

    @property
    def output(self) -> Raw:
        return raw.fields(self.response).get("output", raw.EMPTY_LIST)


@dataclass(slots=True)
class Store:
    """The oldest goes first; one that is used again counts as new."""

    now: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    _size: int = 0

    def keep(self, id: str, response: bytes, items: Sequence[Raw], previous: str | None) -> None:
        kept = Kept(response, raw.encode(items), previous, self.now() + LONGEST)
        if id in self._kept:
            self._drop(id)
        if kept.size > LARGEST:
            return
        self._kept[id] = kept
        self._size += kept.size
        while len(self._kept) > MOST or self._size > LARGEST:
            self._drop(next(iter(self._kept)))

    def response(self, id: str) -> bytes:
        """The response as JSON. Raises NotFound."""
        if (kept := self._find(id)) is None:
            raise NotFound(f"Response with id {id!r} not found: {WHY}.", code="response_not_found")
        return kept.response

    def forget(self, id: str) -> None:
        """Raises NotFound."""
        self.response(id)
        self._drop(id)

    def conversation(self, id: str) -> list[Raw]:
        """All items up to and with a response. Raises BadRequest as OpenAI does."""
        turns: list[Kept] = []
        previous: str | None = id
        while previous:
            if (kept := self._find(previous)) is None:
                raise BadRequest(
                    f"Previous response with id {previous!r} not found: {WHY}. Send the whole input.",
                    code="previous_response_not_found",
                    param="previous_response_id",
                )
            turns.append(kept)
            previous = kept.previous
        return [item for kept in reversed(turns) for item in (*raw.items(kept.said), *raw.items(kept.output))]

    def resolved(self, items: Sequence[Raw]) -> list[Raw]:
        """With the items that are referred to in the place of references. Raises BadRequest."""
        return [self._referred(item) if b'"item_reference"' in bytes(item)[:400] else item for item in items]

    def _referred(self, reference: Raw) -> Raw:
        fields = any_members(reference)
        if string(fields.get("type", raw.NULL)) != "item_reference":
            return reference
        id = fields.get("id", raw.NULL)
        for item in self._outputs():
            if any_members(item).get("id") == id:
                return item
        raise BadRequest(
            f"Item with id {string(id)!r} not found: {WHY}. Send the item itself.", param="input"
        )

    def _outputs(self) -> Iterator[Raw]:
        for kept in reversed(self._kept.values()):
            yield from raw.items(kept.output)

    def _find(self, id: str) -> Kept | None:
        kept = self._kept.get(id)
        if kept is None or kept.until < self.now():
            return None
        self._kept.move_to_end(id)
        return kept

    def _drop(self, id: str) -> None:
        self._size -= self._kept.pop(id).size
