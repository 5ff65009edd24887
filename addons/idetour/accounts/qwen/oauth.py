"""What Qwen's login server is asked: to begin a login by another device, whether it was confirmed, a new token.

RFC 8628 with PKCE (RFC 7636), in the dialect of Qwen Code: no `interval`, and
`slow_down` with status 429. Tokens and codes go to this server alone; redirects are not followed.
"""

import asyncio
import base64
import hashlib
import json
import math
import re
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idetour.accounts.qwen.tokens import Tokens
from idetour.errors import IdetourError, SetupError
from idetour.profile.environment import variables
from idetour.secret import Secret

if TYPE_CHECKING:
    import httpx2

SERVER, VARIABLE = "https://chat.qwen.ai", "IDETOUR_QWEN_URL"
CLIENT = "f0304373b74a44d2b584a3fb70ca9e56"  # Qwen Code's, public: a login is shared with it
SCOPE = "openid profile email model.completion"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ANSWER_SECONDS = 8.0  # less than until a lock counts as stale
POLL_SECONDS, SLOWEST_SECONDS = 2.0, 10.0
SLOWER = 1.5  # times, at each `slow_down`
LONGEST_SECONDS = 3600.0  # for a person to confirm, whatever the server says


class LoginError(IdetourError):
    """There will be no token from this: it was denied, has expired, or was never valid."""


class NotNow(IdetourError):
    """The server does not answer as it should; it may later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Qwen's login server, and the way to it."""

    url: str = SERVER
    proxy: str | None = None
    ca: Path | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator["httpx2.AsyncClient"]:
        """Made in a thread: to read the system's certificates takes tens of milliseconds."""
        async with await asyncio.to_thread(self._client) as client:
            yield client

    def _client(self) -> "httpx2.AsyncClient":
        import ssl

        import httpx2

        return httpx2.AsyncClient(
            base_url=self.url,
            headers={"accept": "application/json", "user-agent": "idetour"},
            verify=ssl.create_default_context(cafile=self.ca),
            proxy=self.proxy,
            timeout=ANSWER_SECONDS,
            trust_env=False,
        )


def server(proxy: str | None = None, ca: Path | None = None) -> Server:
    """Qwen's, or the one that IDETOUR_QWEN_URL names. Raises SetupError for one that others could listen to."""
    url = variables().get(VARIABLE, "").strip().rstrip("/") or SERVER
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    )
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SetupError(f"{VARIABLE} has to be an https:// address, or one of this machine: {url}")
    return Server(url=url, proxy=proxy, ca=ca)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A login that somebody has to confirm in a browser."""

    device_code: Secret
    verifier: Secret
    user_code: str
    url: str  # with the code in it
    until: float  # on the monotonic clock


def challenge(verifier: str) -> str:
    """RFC 7636 §4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def invite(client: "httpx2.AsyncClient") -> Invitation:
    """Begin a login. Raises NotNow, LoginError."""
    verifier = secrets.token_urlsafe(32)
    form = {"scope": SCOPE, "code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    status, said = await post(client, "/api/v1/oauth2/device/code", form)
    try:
        if status != 200:
            raise LookupError
        url = str(said.get("verification_uri_complete") or said["verification_uri"])
        if urlsplit(url).scheme not in ("https", "http") or not url.isprintable():
            raise LookupError
        return Invitation(
            device_code=Secret(str(said["device_code"])),
            verifier=Secret(verifier),
            user_code=str(said["user_code"]),
            url=url,
            until=time.monotonic() + min(float(said["expires_in"]), LONGEST_SECONDS),
        )
    except (LookupError, ValueError, TypeError):
        raise NotNow(f"{client.base_url.host} does not begin a login: {words(status, said)}") from None


async def confirmed(client: "httpx2.AsyncClient", invitation: Invitation) -> Tokens:
    """Wait until somebody has confirmed it. Raises LoginError where that was denied or comes too late.

    A server that is away for a moment is asked again: the person may be typing meanwhile.
    """
    pause = POLL_SECONDS
    form = {
        "grant_type": DEVICE_GRANT,
        "device_code": invitation.device_code.reveal(),
        "code_verifier": invitation.verifier.reveal(),
    }
    while (left := invitation.until - time.monotonic()) > 0:
        await asyncio.sleep(min(pause, left))
        try:
            status, said = await post(client, "/api/v1/oauth2/token", form)
        except NotNow:
            continue
        error = said.get("error")
        if status == 200 and "access_token" in said:
            return granted(said, None)
        if error == "slow_down":
            pause = min(pause * SLOWER, SLOWEST_SECONDS)
        elif error == "access_denied":
            raise LoginError("The login was denied in the browser.")
        elif status == 401 or error == "expired_token":
            break
        elif error != "authorization_pending" and status < 500:
            raise LoginError(f"{client.base_url.host} refuses the login: {words(status, said)}")
    raise LoginError("Nobody confirmed the login in time. Begin it again.")


async def refreshed(client: "httpx2.AsyncClient", old: Tokens) -> Tokens:
    """New tokens for old ones. Raises LoginError where these are worth nothing any more, NotNow else."""
    form = {"grant_type": "refresh_token", "refresh_token": old.refresh.reveal()}
    status, said = await post(client, "/api/v1/oauth2/token", form)
    if status == 200 and said.get("access_token"):
        return granted(said, old)
    if status in (400, 401) and said.get("error"):
        raise LoginError(words(status, said))
    raise NotNow(f"{client.base_url.host} gives no new token: {words(status, said)}")


def granted(said: Mapping[str, Any], old: Tokens | None) -> Tokens:
    """A token reply. What it does not repeat stays: Qwen sends neither always. Raises NotNow."""
    try:
        seconds = float(said["expires_in"])
        made = Tokens(
            access=Secret(str(said["access_token"])),
            refresh=Secret(str(said["refresh_token"])) if said.get("refresh_token") else old.refresh,  # type: ignore[union-attr]  # AttributeError, below
            expires=time.time() + seconds,
            resource_url=str(said.get("resource_url") or ""),
            token_type=str(said.get("token_type") or "Bearer"),
        )
        if not math.isfinite(seconds):
            raise ValueError
    except (LookupError, ValueError, TypeError, AttributeError):
        raise NotNow("Qwen's login server gives a token without what belongs to it.") from None
    kept = {name: said[name] for name in ("scope", "id_token") if isinstance(said.get(name), str)}
    if old is None:
        return replace(made, more=kept)
    return replace(made, more={**old.more, **kept}, resource_url=made.resource_url or old.resource_url)


async def post(
    client: "httpx2.AsyncClient", path: str, form: Mapping[str, str]
) -> tuple[int, Mapping[str, Any]]:
    """Status and members of a JSON answer; none where it is no JSON, as from a firewall. Raises NotNow."""
    import httpx2

    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await client.post(
                path, data={"client_id": CLIENT, **form}, headers={"x-request-id": str(uuid.uuid4())}
            )
    except TimeoutError:
        raise NotNow(f"{client.base_url.host} does not answer within {ANSWER_SECONDS:.0f} s.") from None
    except httpx2.HTTPError as error:
        why = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__
        raise NotNow(f"{client.base_url.host} cannot be reached: {why}.") from None
    try:
        said = json.loads(answer.content)
    except (ValueError, RecursionError):
        return answer.status_code, {}
    return answer.status_code, said if isinstance(said, dict) else {}


def words(status: int, said: Mapping[str, Any]) -> str:
    """What the server said, in a line."""
    told = said.get("error_description") or said.get("error")
    if isinstance(told, str) and told.strip():
        return " ".join(told.split())[:200]
    return f"HTTP {status}, and no word of a login server"
