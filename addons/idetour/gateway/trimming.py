"""How much of a long conversation a candidate gets, where the profile says that old tool results may be left out."""

from dataclasses import replace

from idetour.routes.plan import Candidate
from idetour.upstreams import is_own
from idetour.wire import raw, trim
from idetour.wire.chat import ChatRequest

LIMITS = ("max_completion_tokens", "max_tokens")
MARGIN = 1.15  # an estimate errs by less


def trimmed(request: ChatRequest, candidate: Candidate) -> tuple[ChatRequest, list[str]]:
    """The request without as many old results as it is too long by, and the words for it."""
    if not (candidate.model and candidate.model.trim and (most := room(request, candidate))):
        return request, []
    if not (tokens := trim.excess(request.fields, most)):
        return request, []
    if is_own(request, candidate.upstream):
        native, results = trim.trimmed(request.native, tokens)
        request = replace(request, native=native)
    else:
        fields, results = trim.trimmed(request.fields, tokens)
        request = replace(request, fields=fields)
    return request, [f"{results:,} old tool results left out"] if results else []


def room(request: ChatRequest, candidate: Candidate) -> int | None:
    """Tokens that a request may have: what the profile says, or what the model's window leaves beside its answer."""
    if candidate.model and isinstance(candidate.model.trim, int):
        return candidate.model.trim
    if not (candidate.known and candidate.known.context):
        return None
    window = candidate.known.context
    asked = next((raw.value(request.fields[name]) for name in LIMITS if name in request.fields), None)
    answer = asked if isinstance(asked, int) else candidate.known.output or 0
    return round((window - min(answer, window // 4)) / MARGIN)
