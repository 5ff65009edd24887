"""Which editors an answer gets, by what is known of its model, and what they did."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from idetour.wire.calls import Calls
from idetour.wire.cumulative import Cumulative
from idetour.wire.editor import Editor
from idetour.wire.repair import Repair
from idetour.wire.repair_thoughts import Thoughts
from idetour.wire.repair_types import Offered
from idetour.wire.think import Think

type Thinks = Literal["inline", "opened"]


@dataclass(slots=True, kw_only=True)
class Edits:
    """One answer's. `offered` are the tools of a request whose calls are to be repaired.

    The caller reads, when the answer has ended:

    found        calls that had come as text, or in thoughts
    mended       calls whose arguments were no JSON, and are now
    unreadable   calls whose arguments are still none
    """

    think: Thinks | None = None
    cumulative: bool = False
    offered: Offered | None = None
    note: Callable[[str], None] = lambda words: None  # is told at the end what was done, in a few words
    found: int = 0
    mended: int = 0
    unreadable: int = 0
    _repairs: list[Repair | Thoughts] = field(default_factory=list)

    @property
    def mend(self) -> bool:
        return self.offered is not None

    def editors(self) -> list[Editor]:
        """Those of one choice, in the order in which each sees what the one before it made."""
        made: list[Editor] = [Cumulative()] if self.cumulative else []
        if self.think:
            made.append(Think(opened=self.think == "opened"))
        if self.offered:
            repair, thoughts = Repair(self.offered), Thoughts(self.offered)
            self._repairs += [repair, thoughts]
            made += [repair, thoughts]
        return made

    def tell(self, calls: Iterable[Calls]) -> None:
        """The answer is over."""
        every = list(calls)
        self.found = sum(each.found for each in self._repairs)
        self.mended = sum(each.mended for each in every)
        self.unreadable = sum(each.unreadable for each in every)
        if repaired := self.found + self.mended:
            self.note(f"repaired {counted(repaired)}")
        if self.unreadable:
            self.note(f"{counted(self.unreadable)} with unreadable arguments")


def counted(calls: int) -> str:
    return f"{calls} tool call{'s' if calls > 1 else ''}"
