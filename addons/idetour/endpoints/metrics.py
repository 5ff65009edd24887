"""`GET /metrics`: counts and times for Prometheus, for the owner alone: they tell which models are asked for."""

from idetour.endpoints.admin.owner import Admin
from idetour.endpoints.asgi import Exchange
from idetour.usage.metrics import TYPE


async def page(admin: Admin, exchange: Exchange) -> None:
    chronicle = admin.pipeline.chronicle
    resting = {
        str(state.target): state.state in ("cooling", "open") for state in admin.pipeline.health.snapshot()
    }
    dropped = chronicle.store.dropped if chronicle.store else 0
    text = chronicle.metrics.text(dropped=dropped, resting=resting.items())
    await exchange.answer(200, text.encode(), {"content-type": TYPE, "cache-control": "no-store"})
