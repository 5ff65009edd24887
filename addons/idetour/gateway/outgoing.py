"""The request as a candidate takes it: by what is known of it beforehand, and by what earlier answers have taught.

replay → the catalog's and the profile's manners, with those that were learned → quirks
"""

from itertools import chain

from idetour.gateway.quirks import Quirks
from idetour.gateway.replay import Replay
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
    learned = quirks.of(candidate.target)
    upstream, known = taught(candidate.upstream, candidate.known, learned)
    stated = [each.manners for each in (known, upstream) if each]
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
    outgoing, _ = applied(outgoing, dropped(chain.from_iterable(unwanted)))
    outgoing, changed = applied(outgoing, learned)
    quirks.used(candidate.target, used + changed)
    told = [str(each) for each in used + changed if each.field != "replay"]  # replay says what it did
    return outgoing, restored + told
