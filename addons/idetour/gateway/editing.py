"""Which edits an answer needs, by what the profile and the catalog say of its model."""

from collections.abc import Callable

from msgspec import Raw

from idetour.profile import Manners, layered
from idetour.routes.plan import Candidate
from idetour.wire import raw
from idetour.wire.chat import ChatRequest
from idetour.wire.edits import Edits
from idetour.wire.repair_types import Offered, offered

DIVIDED = ("anthropic", "responses")  # protocols that have reasoning and calls apart from text


def edits(request: ChatRequest, candidate: Candidate, *, note: Callable[[str], None]) -> Edits | None:
    """What to do to the candidate's answer; None for nothing. `note` is told afterwards what was done."""
    manners = layered(candidate.model, candidate.known, candidate.upstream)
    if candidate.upstream.speaks in DIVIDED or not wanted(manners):
        return None
    return Edits(
        think=None if manners.think == "off" else manners.think,
        cumulative=bool(manners.cumulative),
        offered=tools(request) if manners.repair else None,
        note=note,
    )


def wanted(manners: Manners) -> bool:
    return bool(manners.think not in (None, "off") or manners.repair or manners.cumulative)


def tools(request: ChatRequest) -> Offered | None:
    """What the model may call; None where it may call nothing."""
    given = request.fields.get("tools", raw.NULL)
    forbidden = request.fields.get("tool_choice") == Raw(b'"none"')
    return None if forbidden or raw.blank(given) else offered(given) or None
