"""Text that is told again from its beginning in each chunk, told once.

DashScope's own protocol does so unless it is asked for increments, and some
gateways in front of it pass that on.
"""

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.editor import Delta

_KEYS = ("content", "reasoning_content", "reasoning")


class Cumulative:
    """Leaves of each text what is new. A text that does not begin with what was said is passed on as it is."""

    def __init__(self) -> None:
        self._said: dict[str, bytes] = {}  # without quotes: the bytes that one and the same server writes

    def edit(self, delta: Delta) -> list[Delta]:
        made = {key: self._new(key, value) if key in _KEYS else value for key, value in delta.items()}
        return [delta] if made == delta else [made]

    def end(self, *, complete: bool) -> list[Delta]:
        return []

    def _new(self, key: str, value: Raw) -> Raw:
        if not raw.has_text(value):
            return value
        text, before = bytes(value)[1:-1], self._said.get(key, b"")
        self._said[key] = text
        return Raw(b'"%b"' % text[len(before) :]) if before and text.startswith(before) else value
