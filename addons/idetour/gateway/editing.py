"""Which edits an answer needs, by what the profile and the catalog say of its model."""

from collections.abc import Callable

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
    manners = stated(candidate)
    if candidate.upstream.speaks in DIVIDED or not (manners.think or manners.repair or manners.cumulative):
        return None
    return Edits(
        think=None if manners.think == "off" else manners.think,
        cumulative=bool(manners.cumulative),
        offered=tools(request) if manners.repair else None,
        note=note,
    )


def stated(candidate: Candidate) -> Manners:
    """The profile's word on the model, over the catalog's, over the upstream's."""
    known, upstream = candidate.known, candidate.upstream.manners
    manners = known.manners.over(upstream) if known else upstream
    return candidate.model.manners.over(manners) if candidate.model else manners


def tools(request: ChatRequest) -> Offered | None:
    """What the model may call; None where it may call nothing."""
    given = request.fields.get("tools", raw.NULL)
    forbidden = request.fields.get("tool_choice") == Raw(b'"none"')
    return None if forbidden or raw.blank(given) else offered(given) or None
