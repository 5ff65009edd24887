"""How a browser gets in: by a link that works once, and then by a cookie that only our own page is heard with.

The admin token never enters a browser. A link is signed with it and with a key
of this process, so that it means nothing after a restart or at another idetour;
nothing has to be kept of those that were never opened. Cookies do not tell the
ports of a host apart, other local servers' pages would be sent along with ours:
so the page's origin is compared to the port.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from idetour.errors import Forbidden
from idetour.secret import Secret

LINK_SECONDS = 12 * 3600.0  # until a link has to be opened
IDLE_SECONDS = 12 * 3600.0  # until an unused session ends
MOST = 50  # sessions, and links that are remembered as used
PAGE = "x-idetour-page"  # a header that no form and no foreign page can send
PROCESS = secrets.token_bytes(32)  # what was signed by another process is nothing here


def link(token: Secret, now: float | None = None) -> str:
    """What proves once that its bearer was shown it by the owner of the token: when, a nonce, and a signature."""
    said = round(now or time.time()).to_bytes(4) + secrets.token_bytes(12)
    return base64.urlsafe_b64encode(said + signature(token, said)).decode().rstrip("=")


def signature(token: Secret, said: bytes) -> bytes:
    return hmac.digest(PROCESS, token.reveal().encode() + said, "sha256")[:16]


@dataclass(slots=True)
class Sessions:
    """In memory: a restart ends them all. `clock` is seconds since 1970."""

    clock: Callable[[], float] = time.time
    _open: dict[bytes, float] = field(default_factory=dict)  # digest of the cookie → when it ends
    _used: dict[bytes, float] = field(default_factory=dict)  # links, and until when they would be good

    def redeem(self, token: Secret, shown: str) -> bool:
        """Whether a link's proof is good. Only the first time."""
        try:
            proof = base64.urlsafe_b64decode(f"{shown}=")
        except ValueError:
            return False
        said, signed = proof[:16], proof[16:]
        if not hmac.compare_digest(signed, signature(token, said)):
            return False
        now, until = self.clock(), int.from_bytes(said[:4]) + LINK_SECONDS
        self._used = {each: end for each, end in self._used.items() if end > now}
        if until < now or said in self._used:
            return False
        self._used[said] = until
        return True

    def begin(self) -> str:
        """A cookie's value. The oldest session ends where there are too many."""
        while len(self._open) >= MOST:
            del self._open[min(self._open, key=lambda each: self._open[each])]
        value = secrets.token_urlsafe(32)
        self._open[digest(value)] = self.clock() + IDLE_SECONDS
        return value

    def expires(self, value: str) -> float | None:
        """When the session of a cookie ends, if it is one; it is used now, so that is later than before."""
        key, now = digest(value), self.clock()
        if self._open.get(key, 0.0) <= now:
            self._open.pop(key, None)
            return None
        self._open[key] = now + IDLE_SECONDS
        return self._open[key]

    def end(self, value: str) -> None:
        self._open.pop(digest(value), None)


def digest(value: str) -> bytes:
    """Sessions are found by a digest, so that the time it takes tells nothing of the others."""
    return hashlib.sha256(value.encode("utf-8", "replace")).digest()


def cookie_name(host: str) -> str:
    """By port: two idetours on one machine share their cookies otherwise."""
    port = host.rpartition(":")[2]
    return f"idetour-{port}" if port.isdigit() else "idetour"


def cookie(headers: Mapping[str, str]) -> str:
    """The session's cookie, or nothing."""
    name = cookie_name(headers.get("host", ""))
    pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
    return next((value for key, _, value in pairs if key == name), "")


def check_page(headers: Mapping[str, str], method: str) -> None:
    """Raises Forbidden where it was not our own page that asked."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    foreign = origin is not None and origin.partition("://")[2] != headers.get("host")
    if foreign or site not in ("same-origin", "none"):
        raise Forbidden("With its cookie, only idetour's own page may ask.")
    if method not in ("GET", "HEAD") and PAGE not in headers:
        raise Forbidden(f"What changes something has to come with the header `{PAGE}: 1`.")
