"""The request as a candidate takes it: by what is known of it beforehand, and by what earlier answers have taught.

trim → replay → the catalog's and the profile's manners, with those that were learned → quirks → seals
"""

from idetour.gateway.quirks import Quirks
from idetour.gateway.replay import Replay
from idetour.gateway.trimming import trimmed
from idetour.profile import layered
from idetour.routes.plan import Candidate
from idetour.secret import Secret
from idetour.upstreams import prepare
from idetour.upstreams.quirk import applied, decides, dropped, taught
from idetour.upstreams.transport import Outgoing
from idetour.wire.chat import ChatRequest


def fitted(
    request: ChatRequest, candidate: Candidate, *, key: Secret | None, quirks: Quirks, replay: Replay
) -> tuple[Outgoing, list[str]]:
    """What to send, and what was changed because of what was learned, in a few words each. Raises BadRequest."""
    model, learned = candidate.model, quirks.of(candidate.target)
    upstream, known = taught(candidate.upstream, candidate.known, learned)
    manners = layered(model, known, upstream)
    request, left_out = trimmed(request, candidate)
    insists = any(each.field == "replay" for each in learned)
    request, restored = replay.restored(request, candidate, wanted=manners.replay, blank=insists)
    used = [
        each for each in learned if (restored and each.field == "replay") or decides(each, request.fields)
    ]
    outgoing = prepare(request, target=candidate.target, upstream=upstream, model=model, known=known, key=key)
    outgoing, unsent = applied(outgoing, dropped(manners.drop | model.drop if model else manners.drop))
    outgoing, refused = applied(outgoing, learned)
    outgoing, sealed = replay.seals.fitting(outgoing, candidate.upstream.url)
    quirks.used(candidate.target, used + refused)
    told = [str(each) for each in used + refused if each.field != "replay"]  # replay says what it did
    outgoing.changed.extend([*left_out, *restored, *sealed, *(f"{each} (learned)" for each in told)])
    outgoing.changed.extend(f"{each} ({who(each.field, candidate)}: drop)" for each in unsent)
    return outgoing, left_out + restored + sealed + told


def who(field: str, candidate: Candidate) -> str:
    """Who wants a field dropped: a model of the profile, or the upstream."""
    model = candidate.model
    return model.name if model and field in model.drop else candidate.target.upstream
