"""What targets were found not to take: seen, and forgotten."""

import msgspec

from idetour.endpoints.admin.owner import Admin, told, wish
from idetour.endpoints.asgi import Exchange


class Forget(msgspec.Struct, forbid_unknown_fields=True):
    target: str
    field: str | None = None


async def quirks(admin: Admin, exchange: Exchange) -> None:
    await told(exchange, {"quirks": [row.told() for row in admin.pipeline.quirks.rows()]})


async def forget(admin: Admin, exchange: Exchange) -> None:
    """Of a target everything, or what concerns one field; of an upstream's name, that of all its targets."""
    wanted = await wish(exchange, Forget, '{"target": "upstream/model-id", "field": "temperature"}')
    gone = admin.pipeline.quirks.forget(wanted.target, wanted.field)
    await told(exchange, {"forgotten": [row.told() for row in gone]})
