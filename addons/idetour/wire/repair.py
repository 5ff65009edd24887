"""Tool calls that a model writes as text, told as tool calls.

The text streams on; only what may be the beginning of a notation waits, and
from there on the notation, until it shows what it is. Calls of tools that were
not offered are no calls, nor is what stands in a fence of code; what was taken
for a call and is none is given out as it came. `repair_forms.py` has the
notations, `repair_json.py` mends their JSON.
"""

import re

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.editor import Delta, beginning, calls, retold, said, text
from idetour.wire.places import joined
from idetour.wire.repair_forms import BARE, ENOUGH, FENCED, TAGGED, Form, Found, plausible
from idetour.wire.repair_types import Offered

LONGEST = 1 << 18  # characters of one notation; more is given out as text
MOST_TRIES = 20  # closing marks that were none, inside of arguments
MOST_REJECTED = 20  # notations that were none: a text full of them is about them
FORMS = {form.opening: form for form in (*TAGGED, FENCED)}
OPENINGS = tuple(form.opening for form in TAGGED)
_MARK = re.compile("|".join([*map(re.escape, OPENINGS), "`{3,}(?:json)?"]))
_FENCE = re.compile("`{3,}")
_FENCE_BEGUN = re.compile(r"`+(?:j|js|jso)?\Z")  # a run of backticks counts as one, so it waits for its end
_SIGN = re.compile(rb"[<\[`]|\\u")  # every mark begins with one of these; an escape may hide it

type Pieces = list[tuple[str, Raw]]  # each with the member of a delta that it belongs to


class Repair:
    """Of one choice. `found` counts the calls."""

    def __init__(self, offered: Offered) -> None:
        self.found = 0
        self._offered = offered
        self._rejected = 0
        self._held = ""  # text in which a mark may begin
        # Space at the answer's beginning and behind a call, which means nothing beside calls …
        self._gap = ""
        self._spacing = True  # … while nothing else has come there
        self._begun = False  # the answer has said something
        self._fenced = False  # inside a fence of code
        self._form: Form | None = None  # the notation that may have begun …
        self._inside: list[str] = []  # … and what came of it
        self._length = self._tries = 0
        self._recent = ""  # its last characters: its closing mark may have begun
        self._closed = False  # it is complete if nothing more comes

    def edit(self, delta: Delta) -> list[Delta]:
        content, called = said(delta), calls(delta)
        waits = self._form or self._held or self._spacing
        if not waits and (content is raw.NULL or not _SIGN.search(content)):
            return [delta]
        written = text(content)
        pieces = self._take(written) if written else []
        if called:
            pieces += self._rest(complete=True)
        if not pieces and not written:
            return [delta]
        unchanged = pieces == [("content", raw.part(written))]
        return [delta] if unchanged else retold(delta, pieces)

    def end(self, *, complete: bool) -> list[Delta]:
        return retold({}, self._rest(complete=complete))

    def _take(self, written: str) -> Pieces:
        told: Pieces = []
        rest: str | None = written
        while rest is not None:
            rest = self._within(rest, told) if self._form else self._outside(rest, told)
        return merged(told)

    def _rest(self, *, complete: bool) -> Pieces:
        """The end of the answer ends whatever is open."""
        told: Pieces = []
        while self._form:
            inside = "".join(self._inside)
            closed = inside.rstrip().removesuffix(self._form.closing)
            found = self._form.read(closed, self._offered) if complete else []
            told += self._take(self._accept(found, "", told) if found else self._reject(told))
        self._say(self._held, told)
        if not self.found:
            told.append(("content", raw.part(self._gap)))
        self._held = self._gap = ""
        return merged(told)

    def _outside(self, written: str, told: Pieces) -> str | None:
        """Text up to the next notation: what is behind its mark; None where nothing is left."""
        written, self._held = self._held + written, ""
        if self._rejected > MOST_REJECTED:
            self._say(written, told)
            return None
        if not self._begun and (start := written.lstrip()):
            self._begun = True
            if start[0] in "{[":
                self._gap += written[: -len(start)]
                return self._open(BARE, start)
        cut = len(written) - (0 if self._fenced else beginning(written, OPENINGS))
        if begun := _FENCE_BEGUN.search(written, max(len(written) - ENOUGH, 0)):
            cut = min(cut, begun.start())
        found = (_FENCE if self._fenced else _MARK).search(written, 0, cut)
        if found is None:
            self._held = written[cut:]
            self._say(written[:cut], told)
            return None
        self._say(written[: found.start()], told)
        rest = written[found.end() :]
        if found[0] in FORMS:
            return self._open(FORMS[found[0]], rest)
        self._fenced = not self._fenced
        self._say(found[0], told)
        return rest

    def _open(self, form: Form, rest: str) -> str:
        self._form, self._inside, self._recent = form, [], ""
        self._length, self._tries, self._closed = 0, 0, False
        return rest

    def _within(self, written: str, told: Pieces) -> str | None:
        """What comes inside a notation: the text behind it, when it has shown what it is."""
        assert self._form
        form, window, young = self._form, self._recent + written, self._length < ENOUGH
        self._inside.append(written)
        self._length += len(written)
        self._recent = window[1 - len(form.closing) :] if len(form.closing) > 1 else ""
        if self._length > LONGEST:
            return self._reject(told)
        if young and not plausible(form, "".join(self._inside), self._offered):
            return self._reject(told)
        if form.closing and (self._closed or form.closing in window):
            return self._close(form, "".join(self._inside), told)
        return None

    def _close(self, form: Form, inside: str, told: Pieces) -> str | None:
        """Read up to a closing mark; the first that is found may stand inside an argument."""
        at = inside.find(form.closing)
        while at >= 0:
            rest = inside[at + len(form.closing) :]
            if found := form.read(inside[:at], self._offered):
                if not form.last:
                    return self._accept(found, rest, told)
                self._closed = True
                return self._reject(told) if rest.strip() else None
            self._tries += 1
            if self._tries > MOST_TRIES:
                return self._reject(told)
            at = inside.find(form.closing, at + 1)
        return None

    def _accept(self, found: list[Found], rest: str, told: Pieces) -> str:
        for each in found:
            function = {"name": each.name, "arguments": each.arguments}
            id = {"id": each.id} if each.id else {}
            told.append(("tool_calls", raw.part([{**id, "type": "function", "function": function}])))
        self.found += len(found)
        self._form, self._gap, self._spacing = None, "", True
        return rest

    def _reject(self, told: Pieces) -> str:
        """It is text: its mark is told, and what is behind it may hold another."""
        assert self._form
        self._say(self._form.opening, told)
        self._fenced = self._form is FENCED
        self._form = None
        self._rejected += 1
        return "".join(self._inside)

    def _say(self, written: str, told: Pieces) -> None:
        if self._spacing and not written.strip():
            self._gap += written
        else:
            told.append(("content", raw.part(self._gap + written)))
            self._gap, self._spacing = "", False


def merged(pieces: Pieces) -> Pieces:
    """Neighbouring pieces of text as one, empty ones left out."""
    made: Pieces = []
    for key, piece in pieces:
        if piece == raw.EMPTY_TEXT:
            continue
        if made and key == "content" == made[-1][0]:
            made[-1] = (key, joined([made[-1][1], piece]))
        else:
            made.append((key, piece))
    return made
