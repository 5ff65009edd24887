"""Who sealed which thoughts, so that nobody gets another's: they would be refused, and the conversation with them.

What an endpoint gives out is its own. Of what was sealed while we did not
listen, only the refusal tells; that is remembered too, for the same thoughts
come again in each turn. All of it is hashes, in memory, the oldest goes first.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from msgspec import Raw

from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, raw, seals
from idetour.wire.raw import Fields

MOST = 20_000  # seals of which something is known
LEFT_OUT = "reasoning that was sealed elsewhere left out"

type Seal = bytes


@dataclass(slots=True)
class Seals:
    """An endpoint is known by its URL: its models read each other's, or refuse them themselves.

    While but one has sealed anything, and none refused, no request is looked at.
    """

    _owners: OrderedDict[Seal, str] = field(default_factory=OrderedDict)
    _refused: OrderedDict[tuple[Seal, str], None] = field(default_factory=OrderedDict)
    _sealing: set[str] = field(default_factory=set)  # URLs
    _refusing: set[str] = field(default_factory=set)  # likewise

    def heard(self, url: str, said: Fields) -> None:
        """A message of an answer from there, or a piece of it."""
        for seal in seals.given(said):
            self._owners[digest(seal)] = url
            self._sealing.add(url)
        _limit(self._owners)

    def refuse(self, url: str, found: Iterable[Raw]) -> bool:
        """These are not read there. Whether that is news.

        Those that it has itself given out are in doubt last: another key may have sealed them.
        """
        read = [key for seal in found if (key := (digest(seal), url)) not in self._refused]
        strange = [key for key in read if self._owners.get(key[0]) != url]
        self._refused.update(dict.fromkeys(strange or read))
        _limit(self._refused)
        self._refusing.add(url)
        return bool(read)

    def fitting(self, outgoing: Outgoing, url: str) -> tuple[Outgoing, list[str]]:
        """The request without what was sealed elsewhere, and the words for it."""
        strange = url in self._refusing or self._sealing - {url}
        if not strange or outgoing.body is None or not seals.MARKS.search(outgoing.body):
            return outgoing, []
        fields = raw.fields(outgoing.body)
        if not seals.without(fields, lambda seal: self._foreign(digest(seal), url)):
            return outgoing, []
        return replace(outgoing, body=chat.write(fields)), [LEFT_OUT]

    def _foreign(self, seal: Seal, url: str) -> bool:
        return (seal, url) in self._refused or self._owners.get(seal, url) != url


def digest(seal: Raw) -> Seal:
    """Clients write JSON anew, and some escape a slash."""
    return hashlib.blake2b(bytes(seal).replace(b"\\/", b"/"), digest_size=8).digest()


def _limit[K, V](known: OrderedDict[K, V]) -> None:
    while len(known) > MOST:
        known.popitem(last=False)
