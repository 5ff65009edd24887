"""Errors as Anthropic's API writes them: as an answer, and as the last event of a stream.

What the words mean crosses over: a client that knows only Anthropic's types can
still tell a used-up key from a conversation that has become too long.
"""

import msgspec

from idetour.errors import RequestError
from idetour.wire import raw, sse
from idetour.wire.fault import parse_error

# Anthropic's own, each with its HTTP status. https://docs.anthropic.com/en/api/errors
STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
TYPES = {status: type for type, status in STATUS.items()} | {
    422: "invalid_request_error",
    503: "overloaded_error",
}
# Codes and types of OpenAI's that say more than a status would, or come without one.
_WORDS = {
    "insufficient_quota": "rate_limit_error",
    "rate_limit_exceeded": "rate_limit_error",
    "overloaded": "overloaded_error",
    "upstream_timeout": "timeout_error",
    "request_timeout": "timeout_error",
    "model_not_found": "not_found_error",
    "not_found": "not_found_error",
    "request_too_large": "request_too_large",
    "invalid_api_key": "authentication_error",
    "forbidden": "permission_error",
    "server_error": "api_error",
}
TOO_LONG = "prompt is too long"  # by these words Claude Code knows that it has to compact


def answer(body: bytes, status: int, request_id: str | None = None) -> tuple[int, bytes]:
    """An error document of OpenAI's, whose answer had this status (0: none, it came in a stream), as Anthropic's."""
    message, kind, code, param = parse_error(body)
    type = _WORDS.get(code or "") or (kind if kind in STATUS else None)
    type = type or TYPES.get(status) or _WORDS.get(kind or "")
    type = type or ("invalid_request_error" if 400 <= status < 500 else "api_error")
    if code == "context_length_exceeded":
        type, message = "invalid_request_error", too_long(message)
    elif param and param not in message:
        message = f"{param}: {message}"
    error = {"type": type, "message": message or "the request failed and nobody said why"}
    sent = status if TYPES.get(status, type) == type and status != 503 else STATUS[type]
    return sent, msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})


def too_long(message: str) -> str:
    return message if message.lower().startswith(TOO_LONG) else f"{TOO_LONG}: {message}"


def body(error: RequestError, request_id: str | None = None) -> bytes:
    """The error as the answer to a request that was refused before anybody was asked."""
    said = {"message": error.message, "type": error.type, "code": error.code, "param": error.param}
    return answer(raw.encode({"error": said}), error.status, request_id)[1]


def event(said: bytes, request_id: str | None = None) -> bytes:
    """The error inside a stream, from an error document of OpenAI's: nothing comes after it."""
    return sse.encode(answer(said, 0, request_id)[1], b"error")
