"""What the first steps are made of: which keys are there, which would help, and a model that can be asked at once."""

from idetour.endpoints.admin.owner import Admin, told
from idetour.endpoints.asgi import Exchange
from idetour.routes.offer import asks_for, first_choice, lacking


async def setup(admin: Admin, exchange: Exchange) -> None:
    profile = admin.weights.profile
    ready = [each for each in profile.upstreams.values() if each.ready and (each.needs_key or each.login)]
    said = {
        "example": first_choice(profile),
        "access": asks_for(profile),
        "hosts": profile.hosts,
        "keys": {
            "found": [*dict.fromkeys(each.title for each in ready)],
            "lacking": [{"title": title, "variable": each.key_names[0]} for title, each in lacking(profile)],
        },
    }
    await told(exchange, said)
