"""`/admin/api/switches`: targets that nobody is sent to for the time being."""

import msgspec

from idetour.endpoints.admin.owner import Admin, told, wish
from idetour.endpoints.asgi import Exchange


class Turn(msgspec.Struct, forbid_unknown_fields=True):
    target: str
    on: bool


async def switches(admin: Admin, exchange: Exchange) -> None:
    await told(exchange, state(admin))


async def turn(admin: Admin, exchange: Exchange) -> None:
    wanted = await wish(exchange, Turn, '{"target": "upstream/model-id", "on": false}')
    await admin.weights.switches.turn(wanted.target, on=wanted.on)
    said = state(admin)
    admin.pipeline.chronicle.news.publish("switches", said)
    await told(exchange, said)


def state(admin: Admin) -> dict[str, list[str]]:
    return {"off": sorted(map(str, admin.weights.switches.off))}
