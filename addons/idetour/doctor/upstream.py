"""The upstreams: reachable as idetour reaches them (its proxy, its trust), and each key accepted.

The cheapest call there is, `GET /models`, once with each key. Some answer it to
everybody, which is noticed by asking once without: then only the stream proves the key.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx2

from idetour.accounts.check import asked
from idetour.certs.outbound import outbound_context
from idetour.doctor.clock import ahead
from idetour.doctor.hop import Finding, Hop, broken, note, ok, skipped
from idetour.doctor.road import Road
from idetour.doctor.trouble import explained
from idetour.profile import Upstream
from idetour.profile.credential import Key
from idetour.profile.problem import near
from idetour.secret import Secret

TIMEOUT = httpx2.Timeout(20.0, connect=5.0)
MOST_AT_ONCE = 8


def look(road: Road) -> Iterator[Finding]:
    if not road.upstreams:
        yield skipped("no upstream to ask: only the demo answers")
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        for findings in pool.map(partial(tried, road), road.upstreams):
            yield from findings


def tried(road: Road, upstream: Upstream) -> list[Finding]:
    """One upstream, with each of its keys."""
    options: dict[str, Any] = {"proxy": upstream.proxy, "timeout": TIMEOUT, "trust_env": False}
    with httpx2.Client(verify=outbound_context(road.authority, upstream.ca), **options) as client:
        try:
            open_to_all = asked(client, upstream, None)
            note_time(road, upstream, open_to_all)
            answers = [(key, asked(client, upstream, key)) for key in keys(upstream)]
        except httpx2.HTTPError as error:
            what, remedy = explained(error, here=upstream.local)
            return [broken(f"{upstream.title} ({upstream.url}): {what}", remedy)]
    if not answers:
        return [without_key(upstream, open_to_all.status_code), *missing(road, upstream, open_to_all)]
    findings = [judged(upstream, key, answer, public=open_to_all.is_success) for key, answer in answers]
    return [*findings, *missing(road, upstream, answers[0][1])]


def keys(upstream: Upstream) -> list[Secret]:
    """The environment's and those that were added; a login is tried by the stream."""
    return [*upstream.keys, *(each.value for each in upstream.accounts if isinstance(each, Key))]


def note_time(road: Road, upstream: Upstream, answer: httpx2.Response) -> None:
    seconds = ahead(answer.headers.get("date", ""))
    if seconds is not None:
        road.skews[upstream.title] = seconds


def judged(upstream: Upstream, key: Secret, answer: httpx2.Response, *, public: bool) -> Finding:
    """What the answer to a request with a key means."""
    status, where = answer.status_code, f"{upstream.title}, key {key}"
    names = " or ".join(upstream.key_names) or "`key:` in the profile"
    if answer.is_success and public:
        return ok(f"{where}: reached; its list is open to all, so the key is proved by the stream only")
    if answer.is_success:
        return ok(f"{where}: reached, and the key is accepted")
    match status:
        case 401:
            return broken(
                f"{where}: the key is refused (401)", f"Make a new key there and put it into {names}."
            )
        case 402:
            return broken(
                f"{where}: there is no credit left (402)", "Top up the account, or add another upstream."
            )
        case 403:
            return broken(
                f"{where}: the key is known and not allowed (403)",
                "Look at the account there: terms to accept, a region, or a key for other models.",
            )
        case 429:
            return note(
                f"{where}: too many requests just now (429)", "Wait, or let `else:` name another upstream."
            )
    return elsewise(where, status)


def without_key(upstream: Upstream, status: int) -> Finding:
    if upstream.client_key and status in (401, 403):
        return ok(f"{upstream.title}: reached; it takes the key that is typed into the IDE")
    if status < 300:
        return ok(f"{upstream.title}: reached")
    if status in (401, 403):
        return broken(
            f"{upstream.title}: it asks for a key ({status})",
            f"Add `key:` to {upstream.name} in the profile.",
        )
    return elsewise(upstream.title, status)


def elsewise(where: str, status: int) -> Finding:
    """Statuses that do not speak of the key."""
    if status in (404, 405, 501):
        return ok(f"{where}: reached; it has no list of models ({status})")
    if status >= 500:
        return broken(
            f"{where}: it is in trouble itself ({status})", "Wait, or let `else:` name another upstream."
        )
    return broken(
        f"{where}: it answers {status} to GET /models", "Look at `url:` of this upstream in the profile."
    )


def missing(road: Road, upstream: Upstream, answer: httpx2.Response) -> Iterator[Finding]:
    """Models that the profile names and the upstream's own list does not."""
    ids = listed(answer)
    used = {to.model for targets in road.leads.values() for to in targets if to.upstream == upstream.name}
    for model in sorted(used - ids if ids else ()):
        yield note(
            f"{upstream.title}: its list has no {model}",
            near(model, ids) or "It may be gone: look at its model page.",
        )


def listed(answer: httpx2.Response) -> set[str]:
    """The model ids of an answer; none where it is no such list."""
    try:
        return {str(item["id"]) for item in json.loads(answer.content)["data"]}
    except (ValueError, LookupError, TypeError):
        return set()


HOP = Hop(name="upstream", look=look, needs=("profile",), outside=True)
