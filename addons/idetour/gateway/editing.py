"""Which edits an answer needs, by what the profile and the catalog say of its model."""

import functools
from collections.abc import Callable, Iterator

from msgspec import Raw

from idetour.profile import Manners
from idetour.routes.plan import Candidate
from idetour.wire import raw
from idetour.wire.chat import ChatRequest
from idetour.wire.edits import Edits
from idetour.wire.repair_types import Offered, offered

DIVIDED = ("anthropic", "responses")  # protocols that have reasoning and calls apart from text


def edits(request: ChatRequest, candidate: Candidate, *, note: Callable[[str], None]) -> Edits | None:
    """What to do to the candidate's answer; None for nothing. `note` is told afterwards what was done."""
    if candidate.upstream.speaks in DIVIDED or not any(map(wanted, layers(candidate))):
        return None
    manners = stated(candidate)
    if not wanted(manners):
        return None
    return Edits(
        think=None if manners.think == "off" else manners.think,
        cumulative=bool(manners.cumulative),
        offered=tools(request) if manners.repair else None,
        note=note,
    )


def layers(candidate: Candidate) -> Iterator[Manners]:
    """The profile's word on the model, the catalog's, the upstream's."""
    return (each.manners for each in (candidate.model, candidate.known, candidate.upstream) if each)


def wanted(manners: Manners) -> bool:
    return bool(manners.think not in (None, "off") or manners.repair or manners.cumulative)


def stated(candidate: Candidate) -> Manners:
    """All layers as one, each over the next."""
    return functools.reduce(Manners.over, layers(candidate))


def tools(request: ChatRequest) -> Offered | None:
    """What the model may call; None where it may call nothing."""
    given = request.fields.get("tools", raw.NULL)
    forbidden = request.fields.get("tool_choice") == Raw(b'"none"')
    return None if forbidden or raw.blank(given) else offered(given) or None
