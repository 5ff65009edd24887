"""Plays Qwen's login server and its API, with faults on cue: both are one real server (`upstream`).

qwen = Qwen(upstream)
qwen.login(home / ".qwen")            # an account, as Qwen Code would have left it
upstream.then(status(500), asked=TOKEN)   # the next refresh fails
"""

import base64
import hashlib
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from upstream import Answer, Request, Upstream, reply, status, whole

DEVICE, TOKEN = "/api/v1/oauth2/device/code", "/api/v1/oauth2/token"
CLIENT = "f0304373b74a44d2b584a3fb70ca9e56"
CHAT = "/v1/chat/completions"


@dataclass
class Account:
    """`access` are the tokens that count, `refresh` the one that is good for the next."""

    name: str
    access: set[str] = field(default_factory=set)
    refresh: str = ""
    exhausted: bool = False
    asked: int = 0  # chats that were answered


class Qwen:
    """`confirmed`: what a person does in the browser; `accounts` by name; `picky`: it takes what Qwen's API takes alone."""

    def __init__(self, upstream: Upstream, *, picky: bool = True) -> None:
        self.upstream = upstream
        self.picky = picky
        self.accounts: dict[str, Account] = {}
        self.confirmed: bool | None = None  # None: not yet; False: denied
        self.expires_in = 21600
        self.resource_url: str | None = upstream.url
        self.rotates = True
        self.refreshes = 0
        self._numbers = itertools.count(1)
        self._challenges: dict[str, str] = {}
        self._lock = threading.Lock()
        upstream.always(self._device, asked=DEVICE)
        upstream.always(self._token, asked=TOKEN)
        upstream.always(self._chat)

    def login(self, folder: Path, name: str = "default", *, expires_in: float = 21600, **more: Any) -> Path:
        """An account and its file. Tokens that have expired are refused, whatever the clock of the client says."""
        account = self.accounts.setdefault(name, Account(name))
        said = self._grant(account)
        if expires_in <= 0:
            account.access.clear()
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / ("oauth_creds.json" if name == "default" else f"oauth_creds_{name}.json")
        content = {
            "access_token": said["access_token"],
            "refresh_token": said["refresh_token"],
            "token_type": "Bearer",
            "resource_url": self.upstream.url,
            "expiry_date": round((time.time() + expires_in) * 1000),
            **more,
        }
        file.write_text(json.dumps(content, indent=2))
        file.chmod(0o600)
        return file

    def revoke(self, name: str) -> None:
        """Its tokens are worth nothing any more, the refresh token included."""
        self.accounts[name].access.clear()
        self.accounts[name].refresh = ""

    def _grant(self, account: Account) -> dict[str, Any]:
        number = next(self._numbers)
        access = f"at-{account.name}-{number:06}-of-the-playing-server"
        account.access = {access}
        if self.rotates or not account.refresh:
            account.refresh = f"rt-{account.name}-{number:06}-of-the-playing-server"
        said = {
            "status": "success",
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": "openid profile email model.completion",
            "resource_url": self.resource_url,
        }
        if self.rotates:
            said["refresh_token"] = account.refresh
        else:
            said["refresh_token"] = account.refresh if number == 1 else None
        return {name: value for name, value in said.items() if value is not None}

    def _device(self, request: Request) -> Answer:
        form = fields(request)
        if form.get("client_id") != CLIENT or form.get("code_challenge_method") != "S256":
            return status(400, {"error": "invalid_request"})
        code = f"dc-{next(self._numbers)}"
        self._challenges[code] = form["code_challenge"]
        page = f"{self.upstream.origin}/authorize"
        return whole(
            {
                "device_code": code,
                "user_code": "ABCD-1234",
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code=ABCD-1234&client=qwen-code",
                "expires_in": 900,
            }
        )

    def _token(self, request: Request) -> Answer:
        form = fields(request)
        with self._lock:
            if form.get("grant_type") == "refresh_token":
                return self._refresh(form["refresh_token"])
            return self._poll(form)

    def _poll(self, form: dict[str, str]) -> Answer:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        wanted = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if self._challenges.get(form["device_code"]) != wanted:
            return status(400, {"error": "invalid_grant"})
        if self.confirmed is None:
            return status(400, {"error": "authorization_pending", "error_description": "still pending"})
        if not self.confirmed:
            return status(400, {"error": "access_denied"})
        return whole(self._grant(self.accounts.setdefault("new", Account("new"))))

    def _refresh(self, token: str) -> Answer:
        self.refreshes += 1
        account = next((each for each in self.accounts.values() if each.refresh == token), None)
        if account is None:
            said = "Invalid refresh token or client_id"
            return status(400, {"error": "invalid_request", "error_description": said})
        return whole(self._grant(account))

    def _chat(self, request: Request) -> Answer:
        key = (request.header("authorization") or "").removeprefix("Bearer ")
        account = next((each for each in self.accounts.values() if key in each.access), None)
        if account is None:
            said = "invalid access token or token expired"
            return status(
                401, {"error": {"message": said, "type": "invalid_request_error", "code": "invalid_api_key"}}
            )
        if account.exhausted:
            error = {"code": "insufficient_quota", "message": "Free allocated quota exceeded."}
            return status(429, {"error": {**error, "type": "insufficient_quota"}, "request_id": "r1"})
        if self.picky and (complaint := misfit(request)):
            return status(400, {"error": {"message": complaint, "type": "invalid_request_error"}})
        account.asked += 1
        return reply("Hello", f" from {account.name}")(request)


def misfit(request: Request) -> str | None:
    """What Qwen's API does not take: its quirks, as clients met them."""
    if request.header("x-dashscope-authtype") != "qwen-oauth":
        return "X-DashScope-AuthType is missing"
    for message in request.json()["messages"]:
        content = message.get("content")
        if message["role"] == "system" and not isinstance(content, list):
            return "system content has to be a list of parts"
        if (
            message["role"] == "user"
            and isinstance(content, list)
            and all(part["type"] == "text" for part in content)
        ):
            return "user content has to be a string"
    return None


def fields(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
