"""The upstream's own words about what went wrong, in whichever of a dozen shapes they come."""

import re
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from idetour.errors import UpstreamError

LONGEST = 500  # characters that are kept of an answer that is no JSON: an HTML page, a traceback

# Words in an error's type or code → the HTTP status that it would have had. The first match wins.
_STATUS = {
    r"rate.?limit|throttl|quota|limit_requests|limit_burst|too.?many|^1302$|^1305$": 429,
    r"authenticat|api_?key|unauthori": 401,
    r"billing|payment|arrearage": 402,
    r"permission|forbidden|denied": 403,
    r"not_?found|unpurchased": 404,
    r"overload|unavailable|exhausted|capacity": 503,
    r"time_?d?_?out": 504,
    r"invalid|bad.?request|context_|too_long|inspection|content_|unprocessable|unsupported": 400,
}


class Fault(NamedTuple):
    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None


def parse_error(body: bytes | Raw) -> Fault:
    """Read an upstream's error body. An empty message means that it said nothing.

    Shapes, in this order: `error` an object or a text; `message` with `code`
    (DashScope) or `object: "error"` (vLLM); `detail` (FastAPI; NIM, with
    `status` and `title`); a list of one such object (Gemini); else the text itself.
    """
    try:
        said = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return Fault(_plain(bytes(body).decode("utf-8", "replace")))
    if isinstance(said, list) and said and isinstance(said[0], dict):
        said = said[0]
    if not isinstance(said, dict):
        return Fault(_plain(said if isinstance(said, str) else ""))
    inner = said.get("error")
    source = inner if isinstance(inner, dict) else said
    words = (inner, source.get("message"), _detail(source.get("detail")), source.get("title"))
    message = next((word.strip() for word in words if isinstance(word, str) and word.strip()), "")
    metadata = source.get("metadata")
    if isinstance(metadata, dict) and message == "Provider returned error" and metadata.get("raw"):
        message = f"{message}: {_plain(str(metadata['raw']))}"  # OpenRouter keeps the real words here
    return Fault(
        message or _plain(msgspec.json.encode(source).decode() if source else ""),
        _word(source.get("type")),
        _word(source.get("code")) or _word(source.get("status")),
        _word(source.get("param")),
    )


def upstream_error(body: bytes | Raw) -> UpstreamError:
    """An error that came inside a 200 answer. Its status is guessed from its code and type."""
    fault = parse_error(body)
    status = _status(fault)
    return UpstreamError(
        fault.message or "the upstream reported an error and gave no reason",
        status=status,
        type=fault.type,
        code=fault.code if fault.code != str(status) else None,
        param=fault.param,
    )


def is_flat_error(fields: dict[str, Raw]) -> bool:
    """Whether an object without choices is an error that has no `error`: vLLM; DashScope; NIM and FastAPI."""
    if any(fields.get(key) == Raw(b'"error"') for key in ("object", "type")):
        return True
    keys = fields.keys()
    return "detail" in keys or {"code", "message"} <= keys or {"status", "title"} <= keys


def _status(fault: Fault) -> int:
    for word in (fault.code, fault.type):
        if not word:
            continue
        if re.fullmatch(r"[45]\d\d", word):
            return int(word)
        for pattern, status in _STATUS.items():
            if re.search(pattern, word.lower()):
                return status
    return UpstreamError.status


def _word(value: Any) -> str | None:
    return str(value)[:LONGEST] if isinstance(value, str | int) and value and value is not True else None


def _detail(value: Any) -> str | None:
    """FastAPI's `detail`: a sentence, or a list of complaints, each with its place."""
    if not isinstance(value, list):
        return value if isinstance(value, str) else None
    return "; ".join(
        f"{'.'.join(map(str, item.get('loc', ())))}: {item.get('msg', '')}"
        if isinstance(item, dict)
        else str(item)
        for item in value
    )


def _plain(text: str) -> str:
    """Without tags and superfluous space, cut to what a sentence can carry."""
    # What is never closed reaches to the end: to look for its end from each place anew would take seconds.
    text = re.sub(r"(?is)<(script|style)\b.*?(?:</\1>|\Z)|<[^<>]*>", " ", text[: 64 * LONGEST])
    return " ".join(text.split())[:LONGEST]
