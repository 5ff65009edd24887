"""Reasoning that stands in the answer's text, told as `reasoning_content`.

    <think>…</think>    <thinking>…</thinking>    ◁think▷…◁/think▷

So models write it; where the server does not divide it, it is done here. Only
what stands at the very beginning of the answer opens: further on, a tag is
what the model says of tags. For some models the chat template has written the
opening tag already, so that their answer begins inside. Held back is never
more than what may be a tag.
"""

from collections.abc import Callable

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.editor import Delta, beginning, calls, retold, said, text
from idetour.wire.turns import string

TAGS = {"<think>": "</think>", "<thinking>": "</thinking>", "◁think▷": "◁/think▷"}
_TOLD = ("reasoning_content", "reasoning")

type Pieces = list[tuple[str, str]]  # each with the member of a delta that it belongs to


class Think:
    """`opened`: the answer begins inside, and the model writes only the closing tag."""

    def __init__(self, *, opened: bool = False) -> None:
        self._opened = opened
        self._state: Callable[[], Pieces] = self._beginning
        self._held = ""
        self._closing: tuple[str, ...] = ()
        self._told = ""  # reasoning that the server divides by itself …
        self._compared = 0  # … and how much of it came once more inline

    def edit(self, delta: Delta) -> list[Delta]:
        if self._state == self._answer and not self._held:
            return [delta]
        self._note(delta)
        content = said(delta)
        self._held += text(content)
        if content is raw.NULL and not calls(delta):
            return [delta]
        pieces = self._pieces()
        if calls(delta):
            pieces += self._rest()
        unchanged = len(pieces) == 1 and pieces[0] == ("content", text(content))
        return [delta] if unchanged else retold(delta, _raw(pieces))

    def end(self, *, complete: bool) -> list[Delta]:
        return retold({}, _raw([*self._pieces(), *self._rest()]))

    def _pieces(self) -> Pieces:
        """What can be told of what is held."""
        found: Pieces = []
        before = None
        while before != self._state:
            before = self._state
            found += self._state()
        return [(key, piece) for key, piece in found if piece]

    def _rest(self) -> Pieces:
        """What looked like the beginning of a tag and was none."""
        inside = self._state == self._inside
        held, self._held = self._held, ""
        self._state = self._answer
        return [("reasoning_content" if inside else "content", held)] if held else []

    def _beginning(self) -> Pieces:
        start = self._held.lstrip()
        for tag, closing in TAGS.items():
            if start.startswith(tag):
                self._held, self._closing, self._state = start[len(tag) :], (closing,), self._inside
                return []
        if not any(tag.startswith(start) for tag in TAGS):
            self._closing = tuple(TAGS.values())
            self._state = self._inside if self._opened else self._answer
        return []

    def _inside(self) -> Pieces:
        found = [(at, tag) for tag in self._closing if (at := self._held.find(tag)) >= 0]
        if found:
            at, tag = min(found)
            thought, self._held = self._held[:at], self._held[at + len(tag) :]
            self._state = self._behind
        else:
            cut = len(self._held) - beginning(self._held, self._closing)
            thought, self._held = self._held[:cut], self._held[cut:]
        return [("reasoning_content", self._new(thought))]

    def _behind(self) -> Pieces:
        """The space between the thought and the answer is the template's."""
        self._held = self._held.lstrip()
        if self._held:
            self._state = self._answer
        return []

    def _answer(self) -> Pieces:
        held, self._held = self._held, ""
        return [("content", held)]

    def _note(self, delta: Delta) -> None:
        """Reasoning that came by itself: then a stripped tag is the server's doing, and inline is a repetition."""
        told = next((delta[key] for key in _TOLD if raw.is_text(delta.get(key, raw.NULL))), raw.NULL)
        self._told += string(told)
        if self._told:
            self._opened = False

    def _new(self, thought: str) -> str:
        """What of an inline thought was not told already."""
        ahead = self._told[self._compared : self._compared + len(thought)]
        if not ahead or not thought.startswith(ahead):
            return thought
        self._compared += len(ahead)
        return thought[len(ahead) :]


def _raw(pieces: Pieces) -> list[tuple[str, Raw]]:
    return [(key, raw.part(piece)) for key, piece in pieces]
