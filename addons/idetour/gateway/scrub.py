"""Keys and tokens out of a request before it is kept: those that are known, and what has the shape of one.

What an IDE sends holds whole files, and among them somebody's `.env`. The
shapes are those that vendors document for their own scanners, and an assignment
to a name like `api_key` of something long with letters and digits. Too much
removed is better than one key kept.
"""

import json
import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from idetour.secret import Secret

GONE = "[key removed]"
LEFT_OUT = "[left out: the answer repeats a key, in pieces]"
SHORTEST = 8  # characters; a shorter secret would be found inside words
BLOB = 4096  # characters of base64 from which on a text is data, not words

PIECE = 4096  # characters that are searched at once: more would hold up every other thread

# What may begin at each character looks ahead by a bounded length: a text made for it would take minutes otherwise.
_SHAPES = re.compile(
    r"""\b(?:
      sk-(?=[\w-]{0,99}\d)[\w-]{16,}                         # OpenAI, Anthropic, OpenRouter, DashScope, DeepSeek …
    | (?:nvapi|gsk|xai|pplx|fw|tgp|csk|r8|hf|npm|dop_v1|sgp)[-_](?=[\w-]{0,99}\d)[\w-]{20,}
    | AIza[\w-]{35} | ya29\.[\w-]{20,}                       # Google
    | gh[pousr]_\w{30,} | github_pat_\w{22,} | glpat-[\w-]{20,} | pypi-[\w-]{40,}
    | xox[abeoprs]-[\w-]{10,} | (?:AKIA|ASIA)[A-Z0-9]{16}\b | LTAI[A-Za-z0-9]{12,}
    | [rs]k_(?:live|test)_\w{16,} | SG\.[\w-]{16,}\.[\w-]{16,}
    | (?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}   # JSON Web Tokens
    )""",
    re.VERBOSE,
)
_IN_ADDRESS = re.compile(r"(?<=\w://)[^\s:@/]+:[^\s@/]+(?=@)")
_NAMES = ("key", "secret", "token", "passw", "authorization", "bearer")
_ASSIGNED = re.compile(
    r"""((?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|authorization)["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?
    | \bbearer\s+)
    (?=[^\s"']{0,99}\d)(?=[^\s"']{0,99}[A-Za-z])[\w\-+/=.~]{16,}""",
    re.VERBOSE | re.IGNORECASE,
)
# To the end of the text where it was cut.
_PEM = re.compile(r"-----BEGIN ([A-Z ]{0,40}PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_BASE64 = f"{string.ascii_letters}{string.digits}+/=-_".encode()
# Members of events that are parts of one text, in any of the protocols.
_TOLD = re.compile(
    rb'"(content|reasoning_content|reasoning|text|thinking|arguments|partial_json|delta)"\s*:\s*"((?:[^"\\]++|(?:\\.)++)*+)"'
)
_ESCAPED = re.compile(rb"\\(?:(/)|u00(2[013-9a-f]|[346][0-9a-f]|5[0-9abd-f]|7[0-9a-e]))", re.IGNORECASE)
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,")


class Scrubber:
    """`removed` counts what was taken out: `keys`, and `data` where that was asked for.

    `known` are secrets to be found literally; without `data`, what is base64 is replaced by its size.
    """

    def __init__(self, known: Iterable[Secret] = (), *, data: bool = True) -> None:
        values = {form for secret in known for form in written(secret.reveal())}
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
        if "\\" in text:
            plain = unescaped(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
            text = plain if any(known in plain for known in self._known) else text
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


def written(secret: str) -> set[str]:
    """As it may stand in a text: as it is, inside JSON, and inside a URL."""
    return {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}


def unescaped(said: bytes) -> bytes:
    """JSON with letters and signs as they are: written as `\\/` or `\\u002B`, they would hide a key."""
    return _ESCAPED.sub(lambda found: found[1] or bytes.fromhex(found[2].decode()), said)


def in_pieces(stream: bytes, known: Iterable[Secret]) -> bool:
    """Whether a stream tells one of these in several events: then it stands nowhere as a whole, and is there."""
    told: dict[bytes, list[bytes]] = defaultdict(list)
    for name, text in _TOLD.findall(unescaped(stream) if b"\\" in stream else stream):
        told[name].append(text)
    sought = [secret.reveal().encode() for secret in known if len(secret.reveal()) >= SHORTEST]
    texts = [b"".join(each) for each in told.values()]
    return any(secret in text for secret in sought for text in texts)


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
