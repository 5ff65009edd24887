"""A key that cannot print itself."""

import base64
import hashlib
import hmac
from urllib.parse import unquote


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


def in_url(url: str) -> tuple[Secret, ...]:
    """What stands before the `@` of a URL: the password as it is written, as it is meant, and as `Basic` sends it.

    Without a password, the user's name is taken for one.
    """
    if "@" not in url:  # asked for each upstream of a catalog, at each line of the log
        return ()
    user, _, written = url.partition("://")[2].rpartition("@")[0].partition(":")
    said = [written or user, unquote(written or user)]
    basic = base64.b64encode(f"{unquote(user)}:{unquote(written)}".encode()).decode()
    return tuple(Secret(each) for each in dict.fromkeys([*said, basic])) if user or written else ()
