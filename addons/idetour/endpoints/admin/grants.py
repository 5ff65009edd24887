"""`/admin/api/tokens`: give a task a token, see what it used, hear what models say to it, take it back."""

import asyncio
import time

import msgspec

from idetour.endpoints.admin.events import stream
from idetour.endpoints.admin.owner import Admin, query, told, wish
from idetour.endpoints.asgi import Exchange
from idetour.errors import NotFound

DAY = 86400.0


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    label: str = ""
    seconds: float = DAY  # until it ends by itself
    models: list[str] | None = None


class Revoked(msgspec.Struct, forbid_unknown_fields=True):
    id: str


async def grants(admin: Admin, exchange: Exchange) -> None:
    await told(exchange, {"tokens": [grant.told() for grant in admin.grants.live()]})


async def issue(admin: Admin, exchange: Exchange) -> None:
    """The token is in this answer and nowhere else."""
    wanted = await wish(
        exchange, Wanted, '{"label": "a task", "seconds": 3600, "models": ["coder"]}, or less'
    )
    grant, token = admin.grants.issue(wanted.label[:200], seconds=wanted.seconds, models=wanted.models)
    await told(exchange, {**grant.told(), "token": token})


async def revoke(admin: Admin, exchange: Exchange) -> None:
    """Answers with what it used. Raises NotFound."""
    wanted = await wish(exchange, Revoked, '{"id": "…"}')
    if (gone := admin.grants.revoke(wanted.id)) is None:
        raise none()
    await told(exchange, gone.told())


async def said(admin: Admin, exchange: Exchange) -> None:
    """What models say to who asks with the token of this `id`, live, until it is over. Raises NotFound."""
    id = query(exchange).get("id", "")
    grant = next((each for each in admin.grants.live() if each.id == id), None)
    if grant is None:
        raise none()
    news = admin.grants.news(grant)
    ending = asyncio.get_running_loop().call_later(grant.expires - time.time(), news.close)
    try:
        await stream(exchange, news)
    finally:
        ending.cancel()


def none() -> NotFound:
    return NotFound("There is no such token: it has been revoked, or has expired.")
