"""How answers look: whatever goes wrong, and whoever notices, has one shape."""

import traceback
from typing import Any

import msgspec
from starlette.responses import Response

from idetour.errors import RequestError


class Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


def success(**said: Any) -> Json:
    return Json({"status": "success", **said}, headers={"cache-control": "no-store"})


def refusal(error: RequestError, *, cause: BaseException | None = None) -> Json:
    """`cause` is shown with its traceback: only where debugging was asked for."""
    body: dict[str, Any] = {"status": "error", "error": error.message}
    if error.code:
        body["code"] = error.code
    if error.param:
        body["param"] = error.param
    if cause:
        body["traceback"] = "".join(traceback.format_exception(cause))
    return Json(body, status_code=error.status, headers=error.headers)
