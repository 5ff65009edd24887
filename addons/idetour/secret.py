"""A key that cannot print itself."""

import hashlib
import hmac


class Secret:
    """Wraps a key so that no log line, traceback, flow or error can show it by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself. Call this only where it is put on the wire or compared."""
        return self._value

    def matches(self, candidate: str) -> bool:
        """Compare in constant time, whatever the lengths."""
        mine, theirs = (hashlib.sha256(text.encode()).digest() for text in (self._value, candidate))
        return hmac.compare_digest(mine, theirs)

    def __str__(self) -> str:
        """Enough to tell two keys apart: `…1234`, or `…` where four characters would say too much."""
        return f"…{self._value[-4:]}" if len(self._value) >= 12 else "…"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        raise TypeError("a key is not pickled")
