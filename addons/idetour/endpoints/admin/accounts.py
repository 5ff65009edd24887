"""`GET /admin/api/accounts`: every credential that requests may go with, and how it is. No key is in it."""

from collections.abc import Iterator
from typing import Any

from idetour.endpoints.admin.owner import Admin, told
from idetour.endpoints.asgi import Exchange
from idetour.gateway.health import Health
from idetour.gateway.tries import credentials
from idetour.profile import Upstream
from idetour.profile.credential import Credential


async def accounts(admin: Admin, exchange: Exchange) -> None:
    profile, health = admin.weights.watched.current, admin.pipeline.health
    said = [each for upstream in profile.upstreams.values() for each in of(upstream, health)]
    await told(exchange, {"accounts": said})


def of(upstream: Upstream, health: Health) -> Iterator[dict[str, Any]]:
    for credential in credentials(upstream, health.identify):
        yield described(upstream, credential, health)


def described(upstream: Upstream, credential: Credential, health: Health) -> dict[str, Any]:
    """`left`: seconds that it rests still. `today`: requests since midnight, or since the start if that was later."""
    rests = health.rests(credential.id)
    state = "needs login" if credential.trouble else "cooling" if rests.left else "ready"
    return {
        "upstream": upstream.name,
        "name": credential.name,
        "kind": credential.kind,
        "key": "" if credential.kind == "login" else credential.mark,
        "state": state,
        "why": credential.trouble or rests.why,
        "left": None if credential.trouble else rests.left,
        "today": rests.today,
        "weight": credential.weight,
        "expires": credential.expires,
    }
