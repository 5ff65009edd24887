"""`GET /admin/api/accounts`: every credential that requests may go with, and how it is. No key is in it."""

from typing import Any

from idetour.endpoints.admin.owner import Admin, told
from idetour.endpoints.admin.usage import ask
from idetour.endpoints.asgi import Exchange
from idetour.errors import RequestError
from idetour.gateway.health import Rests
from idetour.gateway.tries import credentials
from idetour.profile import Upstream
from idetour.profile.credential import Credential
from idetour.usage import keys


async def accounts(admin: Admin, exchange: Exchange) -> None:
    profile, health = admin.weights.watched.current, admin.pipeline.health
    asked = await today(admin)
    said = [
        described(upstream, credential, health.rests(credential.id), asked)
        for upstream in profile.upstreams.values()
        for credential in credentials(upstream, health.identify)
    ]
    await told(exchange, {"accounts": said})


async def today(admin: Admin) -> keys.Asked | None:
    """How often each key was asked today, by requests that have ended; None where nobody knows."""
    try:
        return await ask(admin, keys.asked(keys.midnight()))
    except RequestError:
        return None


def described(
    upstream: Upstream, credential: Credential, rests: Rests, asked: keys.Asked | None
) -> dict[str, Any]:
    """`left`: seconds that it rests still. `today`: requests since midnight, also those before a restart."""
    state = "needs login" if credential.trouble else "cooling" if rests.left else "ready"
    before = None if asked is None else asked.get((upstream.name, credential.mark), 0)
    return {
        "upstream": upstream.name,
        "name": credential.name,
        "kind": credential.kind,
        "key": "" if credential.kind == "login" else credential.mark,
        "state": state,
        "why": credential.trouble or rests.why,
        "left": None if credential.trouble else rests.left,
        "today": None if before is None else before + rests.under_way,
        "weight": credential.weight,
        "expires": credential.expires,
    }
