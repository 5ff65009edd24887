"""What is done to an answer for its model's sake, and only for models that need it.

An editor rewrites what one choice says, delta by delta: text that is reasoning
(`think.py`), text that is a tool call (`repair.py`), text that is told again
and again (`cumulative.py`). It holds back as little as it can, and gives out
unchanged what turns out not to be meant for it.
"""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.assembly import as_text
from idetour.wire.turns import string

type Delta = dict[str, Raw]


class Editor(Protocol):
    def edit(self, delta: Delta) -> list[Delta]:
        """What goes on instead: the very same delta where there is nothing to change."""
        ...

    def end(self, *, complete: bool) -> list[Delta]:
        """What was held back. `complete`: the model said all that it wanted, and was not cut off."""
        ...


def said(delta: Delta) -> Raw:
    """The text of a delta, as JSON; null where it has none."""
    content = as_text(delta.get("content", raw.NULL))
    return content if raw.has_text(content) else raw.NULL


def calls(delta: Delta) -> bool:
    """Whether a delta has a piece of a tool call: the text before it is then complete."""
    return "tool_calls" in delta and not raw.blank(delta["tool_calls"])


def text(content: Raw) -> str:
    """The decoded text. Half an emoji stays as `raw.masked` wrote it: the other half may come next."""
    return string(Raw(raw.masked(bytes(content))) if bytes(content).find(b"\\u") >= 0 else content)


def retold(delta: Delta, pieces: Iterable[tuple[str, Raw]]) -> list[Delta]:
    """The delta with `pieces` in the place of its content, tool calls last."""
    before = {key: value for key, value in delta.items() if key not in ("content", "tool_calls")}
    after = {"tool_calls": delta["tool_calls"]} if calls(delta) else {}
    told = [before, *({key: piece} for key, piece in pieces), after]
    return [each for each in told if not all(map(raw.blank, each.values()))]


def beginning(text: str, marks: Iterable[str]) -> int:
    """How many of the last characters may be the beginning of a mark."""
    longest = max(map(len, marks)) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(mark.startswith(text[-length:]) and len(mark) > length for mark in marks):
            return length
    return 0
