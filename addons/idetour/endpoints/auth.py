"""`POST /auth/initiate`, `POST /auth/poll`: log in to Qwen through a running idetour, as small tools do.

The names are those that such tools know. What is called `device_code` here is a
handle: the code, its verifier and the tokens stay with us.
"""

import math
import time

import msgspec

from idetour.accounts import NAME
from idetour.accounts.qwen import ENDED, INSTEAD, oauth, tokens
from idetour.accounts.qwen.oauth import LoginError, NotNow
from idetour.accounts.qwen.pending import TooMany
from idetour.endpoints.admin.owner import Admin, told, wish
from idetour.endpoints.asgi import Exchange
from idetour.errors import BadRequest, NotFound, RequestError, SetupError

INITIATE, POLL = "/auth/initiate", "/auth/poll"
PAGE, FILE = "/auth", "/admin/login.html"  # for people: below /admin the dashboard's cookie comes along
LONGEST_SECONDS = 25.0  # for one poll to wait: clients and proxies give up after 30


class Initiate(msgspec.Struct):
    account: str = tokens.FIRST


class Poll(msgspec.Struct):
    device_code: str = ""
    wait: float = LONGEST_SECONDS


async def initiate(admin: Admin, exchange: Exchange) -> None:
    """Begin a login. Raises RequestError."""
    wanted = (
        Initiate() if bodiless(exchange) else await wish(exchange, Initiate, '{"account": "work"}, or less')
    )
    if not NAME.fullmatch(wanted.account):
        raise BadRequest("`account` has to be letters, digits, . _ and - only, at most 40.", param="account")
    upstreams = admin.weights.watched.current.upstreams.values()
    place = next((each for each in upstreams if each.login == "qwen"), None)
    try:
        server = oauth.server(place.proxy, place.ca) if place else oauth.server()
        handle, invitation = await admin.pending.begin(wanted.account, server)
    except (NotNow, LoginError, SetupError) as error:
        raise RequestError(str(error), status=502, code="login_unavailable") from error
    except TooMany:
        raise RequestError(
            "Too many logins wait to be confirmed. Confirm one, or wait.", status=429, code="too_many_logins"
        ) from None
    said = {
        "verification_uri": invitation.url,
        "verification_uri_complete": invitation.url,
        "user_code": invitation.user_code,
        "device_code": handle,
        "code_verifier": handle,  # for clients that send both back
        "expires_in": math.floor(invitation.until - time.monotonic()),
        "message": f"{ENDED} {INSTEAD}",
    }
    await told(exchange, said)


async def poll(admin: Admin, exchange: Exchange) -> None:
    """What became of a login; waits a while for it: 200 when it is done, 202 before. Raises RequestError."""
    wanted = await wish(exchange, Poll, '{"device_code": "what initiate answered"}')
    seconds = min(max(wanted.wait, 0.0), LONGEST_SECONDS)
    try:
        async with exchange.attended():
            done = await admin.pending.outcome(wanted.device_code, seconds)
    except LookupError:
        raise NotFound(
            "No login waits under this `device_code`: it is over, or was begun before a restart.",
            code="login_unknown",
        ) from None
    except LoginError as error:
        raise BadRequest(str(error), code="login_failed") from error
    except OSError as error:
        raise RequestError(f"The login cannot be kept: {error}.", code="login_not_kept") from error
    if done is None:
        waiting = {"status": "pending", "message": "Nobody has confirmed it yet."}
        return await exchange.answer(202, msgspec.json.encode(waiting), {"cache-control": "no-store"})
    name, made = done
    said = {"status": "success", "account": name, "access_token": str(made.access)}
    await told(exchange, said | {"message": "Authentication successful"})


def bodiless(exchange: Exchange) -> bool:
    return "content-type" not in exchange.headers and exchange.headers.get("content-length", "0") == "0"
