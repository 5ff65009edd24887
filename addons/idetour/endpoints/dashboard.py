"""`GET /admin`: the dashboard's files, as they lie in `idetour/dashboard`. Nothing in them is anybody's secret.

They are read once. The policy allows nothing but what lies beside them: no
script in the page, nothing from elsewhere, no frame around it.
"""

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from idetour.endpoints.entry import Visit
from idetour.errors import NotFound

ADMIN = "/admin"
INSIDE = re.compile(rf"{ADMIN}/(?!api/).*")  # what the page is made of
FOLDER = Path(__file__).parents[1] / "dashboard"
INDEX = "index.html"
POLICY = "; ".join(
    f"{what} {whence}"
    for what, whence in {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }.items()
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # asked for each time, sent only when it has changed
}
TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class File:
    content: bytes
    type: str
    tag: str


@cache
def files(folder: Path = FOLDER) -> dict[str, File]:
    """All files of the dashboard, by their path in it."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "__")))
    return {path.relative_to(folder).as_posix(): read(path) for path in paths}


def read(path: Path) -> File:
    content = path.read_bytes()
    guessed = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed
    return File(content, kind, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


async def page(visit: Visit) -> None:
    """A file, or 304 where the browser has it. Raises NotFound."""
    exchange, path = visit.exchange, visit.path
    found = files().get(path.removeprefix(ADMIN).removeprefix("/") or INDEX)
    if found is None:
        raise NotFound(f"Nothing is served at {path[:200]}. The dashboard is at {ADMIN}.")
    headers = {**HEADERS, "etag": found.tag}
    if found.tag in exchange.headers.get("if-none-match", ""):
        await exchange.start(304, headers)
        return await exchange.end()
    await exchange.answer(200, found.content, {**headers, "content-type": found.type})
