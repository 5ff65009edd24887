"""How targets fare, what is under way, and what can be set while it runs: weights, and what is held against targets."""

from dataclasses import asdict
from typing import Any

import msgspec

from idetour import __version__
from idetour.endpoints.admin.owner import Admin, changing, told, wish
from idetour.endpoints.asgi import Exchange
from idetour.gateway.chronicle import attempts
from idetour.gateway.place import TargetState
from idetour.gateway.record import Record

SHOWN = 50  # recent requests


class Clear(msgspec.Struct, forbid_unknown_fields=True):
    target: str | None = None


async def status(admin: Admin, exchange: Exchange) -> None:
    pipeline = admin.pipeline
    store = pipeline.chronicle.store
    said = {
        "version": __version__,
        "started": admin.started,
        "profile": profile(admin),
        "targets": [fares(state) for state in pipeline.health.snapshot()],
        "weights": admin.weights.differing,
        "running": pipeline.chronicle.metrics.in_flight,
        "recent": [recent(admin, record) for record in reversed(pipeline.recent)][:SHOWN],
        "usage": {
            "dropped": store.dropped if store else 0,
            "problem": store.problem if store else None,
            "keeps_bodies": pipeline.chronicle.keep_bodies,
        },
    }
    await told(exchange, said)


def profile(admin: Admin) -> dict[str, Any]:
    watched = admin.weights.watched
    current = watched.current
    return {"name": current.name, "file": str(current.path.absolute()), "problem": watched.problem}


def fares(state: TargetState) -> dict[str, Any]:
    return asdict(state) | {"target": str(state.target)}


def recent(admin: Admin, record: Record) -> dict[str, Any]:
    """A request without anything that was said in it."""
    return asdict(admin.pipeline.chronicle.row(record)) | {"attempts": attempts(record)}


async def clear(admin: Admin, exchange: Exchange) -> None:
    """Forget what is held against a target, or against all of an upstream's; without a name, against any."""
    wanted = (await wish(exchange, Clear, '{"target": "upstream/model-id"}')).target
    health = admin.pipeline.health
    names = {state.target.upstream for state in health.snapshot()} if wanted is None else {wanted}
    said = {"cleared": sorted(str(target) for name in names for target in health.clear(name))}
    admin.pipeline.chronicle.news.publish("cleared", said)
    await told(exchange, said)


async def weights(admin: Admin, exchange: Exchange) -> None:
    await told(exchange, {"differs": admin.weights.differing})


async def weigh(admin: Admin, exchange: Exchange) -> None:
    await weighed(admin, exchange, await admin.weights.change(await changing(exchange)))


async def unweigh(admin: Admin, exchange: Exchange) -> None:
    await weighed(admin, exchange, await admin.weights.reset())


async def weighed(admin: Admin, exchange: Exchange, changed: object) -> None:
    differs = {"differs": admin.weights.differing}
    admin.pipeline.chronicle.news.publish("weights", differs)
    await told(exchange, {"changed": changed, **differs})
