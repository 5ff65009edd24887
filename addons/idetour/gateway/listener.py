"""Listens to an answer on its way to the client, for the reasoning that comes with tool calls (`replay.py`).

Of most chunks only the names in their delta are looked at. Pieces are kept as the
bytes they came in, and put together when a call was seen and the answer has finished.
"""

from msgspec import Raw

from idetour.gateway.replay import CALLS, MOST_OF_ONE, REASONING, Replay, place_of
from idetour.routes.plan import Candidate
from idetour.wire import raw
from idetour.wire.assembly import Assembly, answer_members, any_objects
from idetour.wire.chunks import Choice, Relay
from idetour.wire.raw import Fields
from idetour.wire.seals import MARKS as SEALED

HEARD = frozenset((*REASONING, "tool_calls"))


class Listener:
    """Of one answer. Of several choices the first is heard."""

    def __init__(self, replay: Replay, candidate: Candidate) -> None:
        self._replay, self._place = replay, place_of(candidate)
        self._pieces: list[tuple[str, bytes]] = []
        self._size, self._calls = 0, False

    def whole(self, body: bytes) -> None:
        """An answer that came at once, or was put together."""
        if CALLS.search(body) or SEALED.search(body):
            for choice in any_objects(raw.fields(body).get("choices", raw.NULL))[:1]:
                message = answer_members(choice.get("message", raw.NULL))
                self._replay.seals.heard(self._place[0], message)
                self._replay.keep(self._place, message)

    def hear(self, choice: Choice) -> None:
        """A choice of a chunk, as the client gets it."""
        if choice.delta and not HEARD.isdisjoint(choice.delta) and not choice.index:
            self._note(choice.delta)
        if self._calls and choice.finish_reason:
            self._finish()

    def _note(self, delta: Fields) -> None:
        self._replay.seals.heard(self._place[0], delta)
        for name, said in delta.items():
            if name not in HEARD:
                continue
            value = bytes(said)
            self._size += len(value)
            if self._size <= MOST_OF_ONE or name == "tool_calls":
                self._pieces.append((name, value))
            self._calls |= name == "tool_calls" and value not in (b"null", b"[]")

    def _finish(self) -> None:
        """Before the client gets the end of the answer, and can ask on."""
        if self._size <= MOST_OF_ONE:
            assembly = Assembly()
            for name, value in self._pieces:
                assembly.add({"delta": Raw(b'{"%b":%b}' % (name.encode(), value))})
            self._replay.keep(self._place, answer_members(assembly.whole(0)["message"]))
        self._pieces, self._calls = [], False


class Attentive(Relay):
    """A Relay with somebody who listens."""

    listener: Listener

    def _watch(self, choice: Choice) -> None:
        super()._watch(choice)
        self.listener.hear(choice)
