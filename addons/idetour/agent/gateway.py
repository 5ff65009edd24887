"""A running idetour as the agent's model: it gives each task a token of its own, and takes it back.

With it the task may ask for models until the token is revoked, and no key of
an upstream is anywhere near the agent.
"""

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idetour import ports
from idetour.errors import SetupError
from idetour.secret import Secret

if TYPE_CHECKING:
    from http.client import HTTPConnection

TOKENS = "/admin/api/tokens"
DEMO = "demo/agent"
SECONDS = 10.0  # it is on this machine


def label(task: str) -> str:
    """What a task's token is called."""
    return f"agent {task}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What lets a task in: the token itself, and the name under which it is revoked and counted."""

    id: str
    token: Secret


@dataclass(frozen=True, slots=True)
class Gateway:
    """`url` is its origin; `admin` the file with the token of its owner."""

    url: str
    admin: Path

    def answers(self) -> bool:
        try:
            return "profile" in self._ask("GET", "/health")
        except SetupError:
            return False

    def issue(self, label: str, *, seconds: float) -> Pass:
        """A token that ends by itself after so many seconds. Raises SetupError."""
        said = self._owner("POST", {"label": label, "seconds": seconds})
        return Pass(id=said["id"], token=Secret(said["token"]))

    def usage(self, id: str) -> dict[str, Any]:
        """Requests and tokens until now. Raises SetupError."""
        found = (each for each in self._owner("GET")["tokens"] if each["id"] == id)
        return next(iter(found), {})

    def revoke(self, id: str) -> dict[str, Any]:
        """From now on the token is refused. Returns its usage. Raises SetupError."""
        return dict(self._owner("DELETE", {"id": id})["usage"])

    def forget(self, label: str) -> dict[str, Any]:
        """Revoke what was issued under that label, which is one token. Returns its usage. Raises SetupError."""
        found = [str(each["id"]) for each in self._owner("GET")["tokens"] if each["label"] == label]
        return self.revoke(found[0]) if found else {}

    def first_model(self, token: Secret) -> str:
        """What a run asks for that names no model: of the scripts, the one that does a task. Raises SetupError."""
        listed = self._ask("GET", "/v1/models", headers={"authorization": f"Bearer {token.reveal()}"})["data"]
        if not listed:
            raise SetupError(f"The idetour at {self.url} offers no model. See `idetour models --all`.")
        names = [str(each["id"]) for each in listed]
        return DEMO if names[0].startswith("demo/") and DEMO in names else names[0]

    def line(self, seconds: float) -> "HTTPConnection":
        """A connection that is not made yet, which waits so long for each answer."""
        from http.client import HTTPConnection, HTTPSConnection  # which a run without a gateway is spared

        where = urlsplit(self.url)
        secure = where.scheme == "https"
        kind = HTTPSConnection if secure else HTTPConnection
        return kind(where.hostname or "", where.port or (443 if secure else 80), timeout=seconds)

    def proof(self) -> dict[str, str]:
        """The headers of its owner. Raises SetupError."""
        where = urlsplit(self.url)
        if where.hostname in ("127.0.0.1", "localhost", "::1") and ports.stranger(where.port or 80):
            raise SetupError(f"Another user answers at {self.url}: the owner's token is not sent there.")
        try:
            token = self.admin.read_text("ascii").strip()
        except (OSError, ValueError):
            raise SetupError(
                f"{self.admin} cannot be read: was the idetour at {self.url} started with another home?"
            ) from None
        return {"x-idetour-admin": token}

    def _owner(self, method: str, body: object = None) -> Any:
        return self._ask(method, TOKENS, body, headers=self.proof())

    def _ask(self, method: str, path: str, body: object = None, *, headers: dict[str, str] = {}) -> Any:  # noqa: B006
        from http.client import HTTPException

        sent = {**headers, **({"content-type": "application/json"} if body is not None else {})}
        with closing(self.line(SECONDS)) as line:
            try:
                line.request(method, path, None if body is None else json.dumps(body), sent)
                answer = line.getresponse()
                said = answer.read()
            except (OSError, HTTPException) as error:
                raise SetupError(f"No idetour answers at {self.url}. Start it with `idetour run`.") from error
        try:
            found = json.loads(said)
        except ValueError:
            raise SetupError(f"What answers at {self.url} is not idetour.") from None
        if answer.status != 200:
            message = (found.get("error") or {}).get("message") if isinstance(found, dict) else None
            raise SetupError(f"The idetour at {self.url} refused: {message or answer.status}")
        return found
