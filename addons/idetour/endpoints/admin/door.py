"""The way in for browsers: `/admin/api/session` turns a link's proof into a cookie, `/admin/api/link` makes a link."""

import msgspec

from idetour.endpoints.admin.owner import Admin, changing, told, wish
from idetour.endpoints.admin.session import IDLE_SECONDS, cookie, cookie_name, link
from idetour.endpoints.asgi import Exchange
from idetour.errors import Unauthorized

USED = "link_used"


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    token: str = ""


async def enter(admin: Admin, exchange: Exchange) -> None:
    """A cookie for who shows a link's proof, or the admin token itself. Raises Unauthorized."""
    opening = await wish(exchange, Opening, '{"token": "what follows #token= in the link"}')
    token = admin.token
    if token is None or not (token.matches(opening.token) or admin.sessions.redeem(token, opening.token)):
        raise Unauthorized(
            "This link was used before, is too old, or is of another start. `idetour status link` makes a new one.",
            code=USED,
        )
    value = admin.sessions.begin()
    said = {"expires": admin.sessions.expires(value)}
    await told(exchange, said, {"set-cookie": written(exchange, value, round(IDLE_SECONDS))})


async def session(admin: Admin, exchange: Exchange) -> None:
    """When the session ends; null for who shows the token."""
    await told(exchange, {"expires": admin.sessions.expires(cookie(exchange.headers))})


async def leave(admin: Admin, exchange: Exchange) -> None:
    admin.sessions.end(cookie(exchange.headers))
    await told(exchange, {}, {"set-cookie": written(exchange, "", 0)})


async def fresh(admin: Admin, exchange: Exchange) -> None:
    """A new link for this idetour's page, under the name by which it was asked."""
    await changing(exchange)
    assert admin.token  # who got here has shown it
    await told(exchange, {"url": f"http://{exchange.headers['host']}/admin#token={link(admin.token)}"})


def written(exchange: Exchange, value: str, seconds: int) -> str:
    name = cookie_name(exchange.headers.get("host", ""))
    return f"{name}={value}; Path=/admin; Max-Age={seconds}; HttpOnly; SameSite=Strict"
