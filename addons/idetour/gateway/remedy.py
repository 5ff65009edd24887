"""What helps against a failed attempt at once, so that the same target is asked again, but differently.

A retry hopes that a fault has passed; a remedy changes something. A field that
the upstream refuses is learned as a quirk and sent no more; what was learned is
believed as long as the next answer does not complain of the same again. Thoughts
that somebody else sealed are left out (`seals.py`). A login whose token is refused
gets another. What was asked for as a stream only because somebody listens is asked
for as its client asks.
"""

import asyncio
from dataclasses import dataclass, field

from msgspec import Raw

from idetour.errors import UpstreamError
from idetour.gateway.attempt import Failed
from idetour.gateway.faults import of_credential
from idetour.gateway.quirks import Quirks
from idetour.gateway.record import Record
from idetour.gateway.seals import Seals
from idetour.gateway.tries import Try
from idetour.profile import Target
from idetour.routes.plan import Candidate
from idetour.upstreams import complaint
from idetour.wire import raw, seals

MOST_ROUNDS = 3  # in one request: each costs the client a round trip, though it may teach several fields


@dataclass(slots=True)
class Remedies:
    """Those of one request."""

    quirks: Quirks
    record: Record
    seals: Seals = field(default_factory=Seals)
    _learned: set[tuple[Target, str]] = field(default_factory=set)
    _rounds: int = 0
    _renewed: set[str] = field(default_factory=set)  # credentials, by id

    async def find(self, each: Try, failed: Failed) -> Try | None:
        """Whom to ask now instead: often the same try, whose request will look different; None where nothing helps."""
        helped = await self._renew(each, failed) or await self._learn(each.candidate, failed)
        return each if helped or self._unstreamed(failed) else None

    async def _renew(self, each: Try, failed: Failed) -> bool:
        """Whether a login has another token than the one that was refused; asked for once."""
        credential, status = each.credential, failed.fault.error.status
        if credential is None or failed.key is None or status not in (401, 403) or each.id in self._renewed:
            return False
        self._renewed.add(each.id)
        try:
            return await credential.renew(failed.key)
        except UpstreamError as error:
            failed.fault = of_credential(error)  # it says more than that a token was refused
            return False

    def _unstreamed(self, failed: Failed) -> bool:
        """Whether it was refused as a stream that its client never wanted. It is asked for as its client asks then."""
        live, fault = self.record.live, failed.fault
        if live is None or not live.streams or failed.sent is None:
            return False
        refused = fault.said is not None or fault.error.status == 501
        if refused and raw.fields(failed.sent).get("stream") == Raw(b"true"):
            live.streams = False
        return not live.streams

    async def _learn(self, candidate: Candidate, failed: Failed) -> bool:
        """Whether the upstream complained of something that need not be sent so."""
        said, sent, target = failed.fault.said, failed.sent, candidate.target
        if said is None or sent is None:
            return False
        if complaint.of_seals(said):
            found = await asyncio.to_thread(seals.all_in, sent)  # it parses the whole body
            return self.seals.refuse(candidate.upstream.url, found)
        for known, name in self._learned:
            if known == target and complaint.mentions(said, name):
                self.quirks.forget(target, name)  # it did not help
        if self._rounds == MOST_ROUNDS:
            return False
        read = await asyncio.to_thread(complaint.read, said, sent)  # as above
        new = [quirk for quirk in read if (target, quirk.field) not in self._learned]
        for quirk in new:
            self._learned.add((target, quirk.field))
            self.quirks.learn(target, quirk, why=said.message)
        self._rounds += bool(new)
        return bool(new)
