"""Keys and tokens out of a request before it is kept: those that are known, and what has the shape of one.

What an IDE sends holds whole files, and among them somebody's `.env`. The
shapes are those that vendors document for their own scanners, and an assignment
to a name like `api_key` of something long with letters and digits. Too much
removed is better than one key kept.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from idetour.secret import Secret

GONE = "[key removed]"
SHORTEST = 8  # characters; a shorter secret would be found inside words
BLOB = 4096  # characters of base64 from which on a text is data, not words

PIECE = 4096  # characters that are searched at once: more would hold up every other thread

_SHAPES = re.compile(
    r"""\b(?:
      sk-(?=[\w-]*\d)[\w-]{16,}                              # OpenAI, Anthropic, OpenRouter, DashScope, DeepSeek …
    | (?:nvapi|gsk|xai|pplx|fw|tgp|csk|r8|hf|npm|dop_v1|sgp)[-_](?=[\w-]*\d)[\w-]{20,}
    | AIza[\w-]{35} | ya29\.[\w-]{20,}                       # Google
    | gh[pousr]_\w{30,} | github_pat_\w{22,} | glpat-[\w-]{20,} | pypi-[\w-]{40,}
    | xox[abeoprs]-[\w-]{10,} | (?:AKIA|ASIA)[A-Z0-9]{16}\b | LTAI[A-Za-z0-9]{12,}
    | [rs]k_(?:live|test)_\w{16,} | SG\.[\w-]{16,}\.[\w-]{16,}
    | eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}             # JSON Web Tokens
    )""",
    re.VERBOSE,
)
_IN_ADDRESS = re.compile(r"(?<=\w://)[^\s:@/]+:[^\s@/]+(?=@)")
_NAMES = ("key", "secret", "token", "passw", "authorization", "bearer")
_ASSIGNED = re.compile(
    r"""((?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|authorization)["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?
    | \bbearer\s+)
    (?=[^\s"']*\d)(?=[^\s"']*[A-Za-z])[\w\-+/=.~]{16,}""",
    re.VERBOSE | re.IGNORECASE,
)
_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_BASE64 = f"{string.ascii_letters}{string.digits}+/=-_".encode()
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,")


class Scrubber:
    """`removed` counts what was taken out: `keys`, and `data` where that was asked for.

    `known` are secrets to be found literally; without `data`, what is base64 is replaced by its size.
    """

    def __init__(self, known: Iterable[Secret] = (), *, data: bool = True) -> None:
        values = {secret.reveal() for secret in known}
        self._known = sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True)
        self._data = data
        self.removed: Counter[str] = Counter()

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, in its names too. Raises RecursionError for one nested too deep."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(item) for name, item in value.items()}
        return value

    def text(self, text: str) -> str:
        if len(text) < SHORTEST:
            return text
        for known in self._known:
            if found := text.count(known):
                self.removed["keys"] += found
                text = text.replace(known, GONE)
        if (url := _DATA_URL.match(text)) or is_blob(text):
            return text if self._data else self._sized(text, url[0] if url else "")
        if "PRIVATE KEY-----" in text:
            text = self._sub(_PEM, GONE, text)
        return "".join(map(self._piece, pieces(text)))

    def _piece(self, text: str) -> str:
        text = self._sub(_SHAPES, GONE, text)
        if "://" in text and "@" in text:
            text = self._sub(_IN_ADDRESS, GONE, text)
        small = text.lower()
        if any(name in small for name in _NAMES):
            text = self._sub(_ASSIGNED, rf"\g<1>{GONE}", text)
        return text

    def _sub(self, pattern: re.Pattern[str], gone: str, text: str) -> str:
        text, found = pattern.subn(gone, text)
        self.removed["keys"] += found
        return text

    def _sized(self, text: str, head: str) -> str:
        self.removed["data"] += 1
        return f"{head}[{(len(text) - len(head)) * 3 // 4:,} bytes left out]"


def pieces(text: str) -> Iterator[str]:
    """A long text in parts, cut where no key and no assignment goes on."""
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            marked = max(text.rfind(mark, start, end) for mark in "\n,;{}") + 1
            end = marked or text.rfind(" ", start, end) + 1 or end
        yield text[start:end]
        start = end


def is_blob(text: str) -> bool:
    """Whether it is a file in base64, as images and documents come in Anthropic's and OpenAI's protocols."""
    return len(text) >= BLOB and text.isascii() and not text.encode().translate(None, _BASE64)
