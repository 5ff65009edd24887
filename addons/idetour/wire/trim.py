"""Room in a conversation that is too long: its oldest tool results are left out.

An agent's history is mostly what its tools said, and what they said an hour
ago it seldom needs. Calls and results stay paired, for each result keeps its
place and says that it was left out; nobody's words are touched, nor are the
newest results. The cut moves in large steps: a prompt whose beginning changes
with every turn is never found in the upstream's cache.
"""

import re
from dataclasses import dataclass

import msgspec

from idetour.wire import estimate, raw
from idetour.wire.raw import Fields
from idetour.wire.turns import kind, parts, string

STEPS = 4  # the cut moves by this part of what there is room for
SMALL = 50  # tokens; to leave out a shorter result gains nothing
PICTURE = re.compile(rb'(;base64,|"data"\s*:\s*")[^"]*')  # its data
LEFT_OUT = (
    "(An old result of about {:,} tokens was left out to save room. Call the tool again if it is needed.)"
)

# What a result is called: in Chat Completions a message, in Responses an item, in Messages a part of a message.
ROLES, ITEMS, PART = ("tool", "function"), ("function_call_output", "custom_tool_call_output"), "tool_result"


def excess(fields: Fields, most: int) -> int:
    """About how many tokens a Chat request has to lose so that it is `most` at most; 0 where it need not."""
    if estimate.size(fields) <= most:
        return 0
    pictures = bytes(fields.get("messages", raw.EMPTY_LIST)).count(b";base64,")
    step = max(1, most // STEPS)
    return max(0, -(-(estimate.tokens(fields, images=pictures) - most) // step) * step)


def trimmed(fields: Fields, tokens: int) -> tuple[Fields, int]:
    """A request without so many tokens of its oldest results, or as many as can be, and how many results those are.

    `fields` are those of Chat Completions, Messages or Responses.
    """
    name = "messages" if "messages" in fields else "input"
    try:
        items = msgspec.json.decode(fields.get(name, raw.NULL), type=list[Fields])
    except (ValueError, RecursionError):
        return fields, 0  # whoever has to read it will say so
    newest = max((place for place, item in enumerate(items) if holds(item)), default=0)
    while newest and holds(items[newest - 1]):  # what was called together
        newest -= 1
    cut = Cut(tokens)
    made = [cut.item(item) for item in items[:newest]] + items[newest:]
    return ({**fields, name: raw.of(made)} if cut.results else fields), cut.results


def holds(item: Fields) -> bool:
    """Whether an item of the conversation is a result, or has one in it."""
    return member(item) is not None or any(map(is_result, parts(item.get("content", raw.NULL))))


def member(item: Fields) -> str | None:
    """Where the content stands of an item that is a result."""
    if string(item.get("role", raw.NULL)) in ROLES:
        return "content"
    return "output" if kind(item) in ITEMS else None


def is_result(part: Fields) -> bool:
    return kind(part) == PART


@dataclass(slots=True)
class Cut:
    """Leaves out one result after the other until it has won enough."""

    wanted: int  # tokens
    results: int = 0

    def item(self, item: Fields) -> Fields:
        if self.wanted <= 0 or not holds(item):
            return item
        if name := member(item):
            return self.result(item, name)
        made = [self.result(part, "content") if is_result(part) else part for part in parts(item["content"])]
        return {**item, "content": raw.of(made)}

    def result(self, result: Fields, name: str) -> Fields:
        content = PICTURE.sub(rb"\1", bytes(result.get(name, raw.NULL)))
        size = round(estimate.sampled(memoryview(content)))
        if self.wanted <= 0 or size < SMALL:
            return result
        self.wanted -= size
        self.results += 1
        return {**result, name: raw.of(LEFT_OUT.format(size))}
