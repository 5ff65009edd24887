"""Arguments that are almost JSON, mended while they pass.

A model writes JSON as it writes prose, and now and then it slips. Mended is
what can have meant only one thing, and at the place where it stands:

    a line end or another control character inside a string    escaped
    None, True, False                                          null, true, false
    a comma before a closing bracket                           left out
    one closing bracket missing at the end                     added
    the same object twice                                      once
    nothing at all                                             {}

All else passes as it came. Held back are only a comma and a word whose next
character has not come, and what follows a whole object.
"""

import json
import re

import msgspec
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.turns import string

WORDS = {"None": "null", "True": "true", "False": "false"}
CLOSERS = {"{": "}", "[": "]"}
_IN_TEXT = re.compile(r'["\\\x00-\x1f]')
_OUTSIDE = re.compile(r'["{}\[\]]|,\s*|[A-Za-z]+')


class Mending:
    """One object, in pieces.

    `changed`: it is no longer what the model wrote. `failed`: it is no JSON object, which shows at the end.
    """

    def __init__(self) -> None:
        self.changed = self.failed = False
        self._told: list[str] = []
        self._open: list[str] = []  # the closing brackets that are to come
        self._in_text = False
        self._whole = False  # the object is complete
        self._lost = False  # it is not understood any more
        self._held = ""  # what the next character decides on, or what follows the whole

    def feed(self, piece: Raw) -> Raw:
        """A piece of a JSON string; the same piece where nothing is to be mended."""
        text = string(piece)
        told = self.take(text)
        return piece if told == text else raw.part(told)

    def take(self, text: str) -> str:
        """What goes on of `text` and of what was held back."""
        text, self._held = self._held + text, ""
        told: list[str] = []
        at = 0
        while at < len(text) and not (self._whole or self._lost):
            at = self._on(text, at, told)
        if self._whole:
            self._held = text[at:]
        else:
            told.append(text[at:])
        self._told += told
        return "".join(told)

    def end(self, *, complete: bool) -> str:
        """What is still to be told. `complete`: the model said all that it wanted, and was not cut off."""
        told = "".join(self._told)
        rest = WORDS.get(self._held, self._held)
        closing = self._open[0] if len(self._open) == 1 else ""
        if complete and not (told + rest).strip():
            mended, rest = True, rest + "{}"
        elif self._whole and rest.strip() and Mending().take(rest).strip() == told.strip():
            mended, rest = True, ""
        elif complete and closing and readable(told + rest + closing):
            mended, rest = True, rest + closing
        else:
            mended = rest != self._held
            self.failed = complete and not readable(told + rest)
        self.changed = self.changed or mended
        self._held, self._whole, self._lost = "", False, True  # whatever still comes is passed on
        return rest

    def _on(self, text: str, at: int, told: list[str]) -> int:
        """From `at` to the next mark and past it."""
        found = (_IN_TEXT if self._in_text else _OUTSIDE).search(text, at)
        before = text[at : found.start() if found else len(text)]
        if not self._open and (before.strip() or (found and found[0] != "{")):
            self._lost = True
            return at
        told.append(before)
        if found is None:
            return len(text)
        return self._string(found, told) if self._in_text else self._mark(found, told)

    def _string(self, found: re.Match[str], told: list[str]) -> int:
        """What ends a string, or stands in the way inside one."""
        mark, end = found[0], found.end()
        if mark == '"':
            self._in_text = False
        elif mark == "\\":
            if end == len(found.string):
                self._held = mark
                return end
            mark += found.string[end]
            end += 1
        else:
            self.changed = True
            mark = json.dumps(mark)[1:-1]
        told.append(mark)
        return end

    def _mark(self, found: re.Match[str], told: list[str]) -> int:
        """What matters outside of strings."""
        mark, end = found[0], found.end()
        if mark == '"':
            self._in_text = True
        elif mark in CLOSERS:
            self._open.append(CLOSERS[mark])
        elif mark in "}]":
            self._lost = self._open.pop() != mark
            self._whole = not self._open and not self._lost
        elif end == len(found.string):
            self._held = mark
            return end
        else:
            right = mark[1:] if mark[0] == "," and found.string[end] in "}]" else WORDS.get(mark, mark)
            self.changed = self.changed or right != mark
            mark = right
        told.append(mark)
        return end


def mended(text: str) -> str | None:
    """A whole object, mended where it has to be; None where that would be guessing."""
    if readable(text):
        return text
    mending = Mending()
    told = mending.take(text) + mending.end(complete=True)
    return None if mending.failed else told


def readable(text: str) -> bool:
    """Whether it is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text.encode(errors="replace")), dict)
    except (ValueError, RecursionError):
        return False
