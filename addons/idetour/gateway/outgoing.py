"""The request as a candidate takes it: by what is known of it beforehand, and by what earlier answers have taught.

trim → replay → the catalog's and the profile's manners, with those that were learned → quirks → seals
"""

from dataclasses import replace
from itertools import chain

from idetour.gateway.quirks import Quirks
from idetour.gateway.replay import Replay
from idetour.routes.plan import Candidate
from idetour.secret import Secret
from idetour.upstreams import OWN, prepare
from idetour.upstreams.quirk import applied, decides, dropped, taught
from idetour.upstreams.transport import Outgoing
from idetour.wire import raw, trim
from idetour.wire.chat import ChatRequest, Translated

LIMITS = ("max_completion_tokens", "max_tokens")
MARGIN = 1.15  # an estimate errs by less


def fitted(
    request: ChatRequest, candidate: Candidate, *, key: Secret | None, quirks: Quirks, replay: Replay
) -> tuple[Outgoing, list[str]]:
    """What to send, and what was changed because of what was learned, in a few words each. Raises BadRequest."""
    learned = quirks.of(candidate.target)
    upstream, known = taught(candidate.upstream, candidate.known, learned)
    stated = [each.manners for each in (candidate.model, known, upstream) if each]
    request, left_out = trimmed(request, candidate)
    wanted = next((each.replay for each in stated if each.replay is not None), None)
    insists = any(each.field == "replay" for each in learned)
    request, restored = replay.restored(request, candidate, wanted=wanted, blank=insists)
    used = [
        each for each in learned if (restored and each.field == "replay") or decides(each, request.fields)
    ]
    outgoing = prepare(
        request, target=candidate.target, upstream=upstream, model=candidate.model, known=known, key=key
    )
    unwanted = [each.drop for each in (*stated, candidate.model) if each]
    outgoing, unsent = applied(outgoing, dropped(chain.from_iterable(unwanted)))
    outgoing, changed = applied(outgoing, learned)
    outgoing, sealed = replay.seals.fitting(outgoing, candidate.upstream.url)
    quirks.used(candidate.target, used + changed)
    told = [str(each) for each in used + changed if each.field != "replay"]  # replay says what it did
    outgoing.changed.extend([*left_out, *restored, *(f"{each} (learned)" for each in told)])
    outgoing.changed.extend(f"{each} ({who(each.field, candidate)}: drop)" for each in unsent)
    return outgoing, left_out + restored + sealed + told


def who(field: str, candidate: Candidate) -> str:
    """Who wants a field dropped: a model of the profile, or the upstream."""
    model = candidate.model
    return model.name if model and field in model.drop else candidate.target.upstream


def trimmed(request: ChatRequest, candidate: Candidate) -> tuple[ChatRequest, list[str]]:
    """The request without old tool results, where the profile wants that and it is too long; and the words for it."""
    if not (candidate.model and candidate.model.trim and (most := room(request, candidate))):
        return request, []
    if not (tokens := trim.excess(request.fields, most)):
        return request, []
    if isinstance(request, Translated) and isinstance(request, OWN.get(candidate.upstream.speaks, ())):
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
