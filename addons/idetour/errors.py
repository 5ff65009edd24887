"""What can go wrong, and how it looks to who asked.

    IdetourError                  anything we say in a sentence instead of a traceback
    ├── SetupError                this machine or this profile is not ready (command line, start)
    └── RequestError              one request cannot be answered; knows its HTTP status
        ├── BadRequest            400: the client's body is wrong
        ├── Unauthorized          401: no key, or not ours
        ├── Forbidden             403: foreign Host or Origin, not this machine
        ├── NotFound              404: no such path, or no such model
        ├── NotAllowed            405: the path exists, the method does not
        ├── TooLarge              413: more than 10 MB
        ├── LoopDetected          508: the upstream is ourselves
        └── UpstreamError         the upstream failed; carries its status and its own words

A message says what is so, where, and what to do next. It never holds a key.
"""

import json
from collections.abc import Mapping


class IdetourError(Exception):
    """Its text is meant for the user."""


class SetupError(IdetourError):
    """Something has to be done on this machine before it can work."""


class RequestError(IdetourError):
    status = 500
    type = "server_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status or self.status
        self.type = type or self.type
        self.code = code or self.code
        self.param = param
        self.headers = dict(headers or {})


class BadRequest(RequestError):
    status, type = 400, "invalid_request_error"


class Unauthorized(RequestError):
    status, type, code = 401, "authentication_error", "invalid_api_key"


class Forbidden(RequestError):
    status, type, code = 403, "permission_error", "forbidden"


class NotFound(RequestError):
    status, type, code = 404, "invalid_request_error", "not_found"


class NotAllowed(RequestError):
    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class TooLarge(RequestError):
    status, type, code = 413, "invalid_request_error", "request_too_large"


class LoopDetected(RequestError):
    status, type, code = 508, "server_error", "loop_detected"


class UpstreamError(RequestError):
    status, type, code = 502, "server_error", "upstream_error"


def openai_body(error: RequestError, request_id: str | None = None) -> bytes:
    """The error as the OpenAI API writes it; the id beside it, since many clients show the body and no header."""
    said = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    beside = {"request_id": request_id} if request_id else {}
    return json.dumps({"error": said, **beside}, ensure_ascii=False).encode()


def openai_event(error: RequestError, request_id: str | None = None) -> bytes:
    """The error inside a stream: an event of its own, and nothing after it."""
    return b"data: " + openai_body(error, request_id) + b"\n\n"
