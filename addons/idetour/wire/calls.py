"""Tool calls in a stream, piece by piece, as every client can put them together.

Clients join what has the same index, text to text: so a piece has to have an
index, and a name or an id that comes twice would be doubled. Upstreams leave
out the index, give every call the same, begin at 1, repeat names and ids, give
two calls one id or none, and send arguments as an object. A call here is

    first    index, id, type, name, arguments (some, or "")
    then     index, arguments

and is numbered from 0, in the order in which the calls began.
"""

from msgspec import Raw

from idetour.wire import raw, turns
from idetour.wire.assembly import answer_members
from idetour.wire.raw import Fields
from idetour.wire.repair_json import Mending

KINDS = ("function", "custom")
USUAL = {"index", "function"}


class Call:
    """What is known of a call. `id` is the upstream's, null where it gave none."""

    __slots__ = ("id", "mending", "name", "number")

    def __init__(self, number: int, mending: Mending | None) -> None:
        self.number, self.mending = number, mending
        self.id = self.name = raw.NULL


class Calls:
    """The calls of one choice. `prefix` makes ids that no other answer has; with `mend`, arguments are mended."""

    def __init__(self, prefix: str, *, mend: bool = False) -> None:
        self._prefix, self._mend = prefix, mend
        self._calls: list[Call] = []
        self._by_index: dict[bytes, Call] = {}
        self._ids: set[bytes] = set()

    def piece(self, said: Fields) -> Fields:
        """A piece as it should be; the same object where it is so."""
        if not self._mend and said.keys() == USUAL and self._continues(said):
            return said
        kind = next((each for each in KINDS if raw.kind(said.get(each, raw.NULL)) == b"{"), "function")
        before, inner = turns.any_members(said.get(kind, raw.NULL)), answer_members(said.get(kind, raw.NULL))
        count, call = len(self._calls), self._place(said, inner.get("name", raw.NULL))
        first = call.number == count
        made = self._headed(said, call, kind, first=first)
        if not raw.blank(call.name):
            inner.pop("name", None)
        elif "name" in inner:
            call.name = inner["name"]
        if kind == "function" and (first or "arguments" in inner):
            inner["arguments"] = self._arguments(inner.get("arguments", raw.NULL), call)
        if inner != before:
            made[kind] = raw.part(inner)
        return said if made == said else made

    def end(self, *, complete: bool) -> list[Fields]:
        """What mending held back, or adds now, as deltas. `complete`: the model was not cut off."""
        rests = [(call.number, call.mending.end(complete=complete)) for call in self._calls if call.mending]
        pieces = [{"index": number, "function": {"arguments": rest}} for number, rest in rests if rest]
        return [{"tool_calls": raw.part([piece])} for piece in pieces]

    @property
    def mended(self) -> int:
        """How many calls have other arguments than the model wrote."""
        return sum(call.mending.changed for call in self._calls if call.mending)

    @property
    def unreadable(self) -> int:
        """How many have arguments that are no JSON object, whatever was tried."""
        return sum(call.mending.failed for call in self._calls if call.mending)

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _continues(self, said: Fields) -> bool:
        """Whether a piece is what nearly all are: more arguments for a call that is known, and nothing else."""
        call, function = self._by_index.get(bytes(said["index"])), said["function"]
        if call is None or bytes(said["index"]) != b"%d" % call.number or raw.kind(function) != b"{":
            return False
        inner = raw.fields(function)
        return inner.keys() == {"arguments"} and raw.is_text(inner["arguments"])

    def _place(self, said: Fields, name: Raw) -> Call:
        """The call that a piece belongs to: by index, else by a new id or name; else it is the last one."""
        index, id = bytes(said.get("index", raw.NULL)).strip(b'"'), said.get("id", raw.NULL)
        numbered = index != b"null"
        call = self._by_index.get(index) if numbered else self._calls[-1] if self._calls else None
        if call is None or _another(call, id, name, numbered=numbered):
            call = Call(len(self._calls), Mending() if self._mend and "custom" not in said else None)
            self._calls.append(call)
        if numbered:
            self._by_index[index] = call
        return call

    def _headed(self, said: Fields, call: Call, kind: str, *, first: bool) -> Fields:
        """With index, and the first with id and type."""
        head, id = {"index": raw.part(call.number)}, said.get("id", raw.NULL)
        if first:
            type = said.get("type", raw.NULL)
            head |= {"id": self._named(id, call), "type": raw.part(kind) if raw.blank(type) else type}
            return head | said | head
        if raw.blank(call.id):
            call.id = id  # too late for the client, which has one of ours
        made = head | said | head
        made.pop("id", None)
        return made

    def _named(self, id: Raw, call: Call) -> Raw:
        """The upstream's id, or one of ours where it gave none or gave it to another call."""
        call.id = id
        if not raw.has_text(id) or bytes(id) in self._ids:
            id = raw.part(f"call_{self._prefix}{call.number:02x}")
        self._ids.add(bytes(id))
        return id

    def _arguments(self, said: Raw, call: Call) -> Raw:
        text = said if raw.is_text(said) else raw.EMPTY_TEXT
        return call.mending.feed(text) if call.mending else text


def _another(call: Call, id: Raw, name: Raw, *, numbered: bool) -> bool:
    """Whether a piece that seems to continue a call begins the next one."""
    if not raw.blank(id):
        return id != call.id and not (numbered and raw.blank(call.id))
    if raw.blank(name) or raw.blank(call.name):
        return False
    return not numbered or name != call.name
