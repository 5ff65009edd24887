"""`/admin/api`: what only who owns this machine's idetour may see and change. One file per subject; all paths are here."""

from collections.abc import Awaitable, Callable, Mapping

from idetour.endpoints import auth, metrics
from idetour.endpoints.admin import (
    accounts,
    authority,
    doctor,
    door,
    events,
    grants,
    logs,
    models,
    profile,
    quirks,
    setup,
    status,
    switches,
    usage,
)
from idetour.endpoints.admin.owner import HEADER, Admin, changing
from idetour.endpoints.admin.token import FILE, stored, token
from idetour.endpoints.asgi import Exchange
from idetour.endpoints.recorder import RECORD

__all__ = [
    "EVENTS",
    "FILE",
    "HEADER",
    "METHODS",
    "OPENING",
    "SAID",
    "TABLE",
    "Admin",
    "Answerer",
    "changing",
    "stored",
    "token",
]

WEIGHTS, STATUS, CLEAR = "/api/config/weights", "/admin/api/status", "/admin/api/clear"
SESSION, EVENTS, ONE = "/admin/api/session", "/admin/api/events", "/admin/api/requests/{id}"
SAID = "/admin/api/tokens/said"
OPENING = (SESSION, "POST")  # which asks for a link's proof instead of the token

type Answerer = Callable[[Admin, Exchange], Awaitable[None]]

_WEIGHTS: Mapping[str, Answerer] = {"GET": status.weights, "POST": status.weigh, "DELETE": status.unweigh}
TABLE: Mapping[str, Mapping[str, Answerer]] = {
    WEIGHTS: _WEIGHTS,
    "/admin/api/weights": _WEIGHTS,  # below /admin, where the page's cookie is sent
    STATUS: {"GET": status.status},
    CLEAR: {"POST": status.clear},
    "/admin/api/quirks": {"GET": quirks.quirks, "DELETE": quirks.forget},
    SESSION: {"GET": door.session, "POST": door.enter, "DELETE": door.leave},
    "/admin/api/link": {"POST": door.fresh},
    EVENTS: {"GET": events.events},
    "/admin/api/usage": {"GET": usage.summary},
    "/admin/api/usage/series": {"GET": usage.series},
    "/admin/api/usage/availability": {"GET": usage.availability},
    "/admin/api/requests": {"GET": usage.listing},
    ONE: {"GET": usage.one},
    "/admin/api/again": {"POST": usage.again},
    "/admin/api/models": {"GET": models.models},
    "/admin/api/switches": {"GET": switches.switches, "POST": switches.turn},
    "/admin/api/test": {"POST": models.test},
    "/admin/api/profile": {"GET": profile.profile},
    "/admin/api/profile/check": {"POST": profile.check},
    "/admin/api/explain": {"POST": profile.explain},
    "/admin/api/setup": {"GET": setup.setup},
    "/admin/api/authority": {"GET": authority.authority},
    "/admin/api/doctor": {"POST": doctor.doctor},
    "/admin/api/logs": {"GET": logs.logs},
    "/admin/api/accounts": {"GET": accounts.accounts},
    "/admin/api/tokens": {"GET": grants.grants, "POST": grants.issue, "DELETE": grants.revoke},
    SAID: {"GET": grants.said},
    "/admin/api/login": {"POST": auth.initiate},  # below /admin, as above
    "/admin/api/login/poll": {"POST": auth.poll},
    auth.INITIATE: {"POST": auth.initiate},
    auth.POLL: {"POST": auth.poll},
    "/metrics": {"GET": metrics.page},
}
# The recorder answers for itself.
METHODS = {path: tuple(answers) for path, answers in TABLE.items()} | {RECORD: ("POST",)}
