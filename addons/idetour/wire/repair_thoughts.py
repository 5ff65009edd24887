"""Tool calls that a model wrote in its thoughts, and then stopped as if it had called.

Small models with reasoning do so, above all distilled ones: there is no word of
an answer, and no call. What a thought merely considers is no call: it has to be
the last that was thought, complete, and of a tool that was offered. By then the
thought was told, so it stays what it is, and the call follows at the end.
"""

from collections import deque
from itertools import takewhile

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.editor import Delta, calls, said, text
from idetour.wire.places import joined
from idetour.wire.repair import Repair
from idetour.wire.repair_types import Offered

LONGEST = 1 << 16  # bytes of thoughts that are kept, and looked at: the last ones
TOLD = ("reasoning_content", "reasoning")  # some servers send both, which say the same


class Thoughts:
    """Of one choice. `found` counts the calls."""

    def __init__(self, offered: Offered) -> None:
        self.found = 0
        self._offered = offered
        self._pieces: deque[Raw] = deque()
        self._size = 0
        self._answers = False  # there is an answer, or a call

    def edit(self, delta: Delta) -> list[Delta]:
        if not self._answers:
            self._answers = calls(delta) or bool(text(said(delta)).strip())
            self._think(next((delta[name] for name in TOLD if raw.has_text(delta.get(name, raw.NULL))), None))
        return [delta]

    def end(self, *, complete: bool) -> list[Delta]:
        if self._answers or not complete or not self._pieces:
            return []
        thought = text(joined([*self._pieces]))[-LONGEST:]
        repair = Repair(self._offered)
        made = repair.edit({"content": raw.part(thought)}) + repair.end(complete=True)
        found = [*takewhile(calls, reversed(made))][::-1]
        self.found = len(found)
        return found

    def _think(self, thought: Raw | None) -> None:
        if thought is None:
            return
        self._pieces.append(thought.copy())  # it would hold the whole chunk
        self._size += len(memoryview(thought))
        while self._size > LONGEST and len(self._pieces) > 1:
            self._size -= len(memoryview(self._pieces.popleft()))
