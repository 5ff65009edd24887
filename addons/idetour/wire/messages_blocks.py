"""Content blocks, strictly one after the other, out of what comes mixed.

Chat streams text, thoughts and the arguments of several calls in any order;
Anthropic knows one open block, never opens it again, and numbers blocks from 0.
So blocks queue:

    the first      is open: what comes for it goes on at once
    the others     wait, each gathering what is its own

The next one's turn comes when the first is complete: a text or a thought is as
soon as anything else comes, a call when its arguments are a whole JSON object
(half of one could not be continued), and at the end of the answer everything
is. A call is not opened before its name is known. What comes for a block that
was closed is lost: its arguments were complete without it.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping

from msgspec import Raw

from idetour.wire import raw, sse
from idetour.wire.assembly import ToolCall, ToolCalls, answer_members
from idetour.wire.messages_names import wrap
from idetour.wire.turns import string

# kind of a piece → its delta's type and the member that holds it
DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "signature": ("signature_delta", "signature"),
    "tool_use": ("input_json_delta", "partial_json"),
}

_MARKS = re.compile(r'\\.|\\\Z|["{}\[\]]', re.DOTALL)


class Block:
    """A block of one kind and, for a call, what is known of it. `waiting` are pieces not told yet."""

    def __init__(self, kind: str, call: ToolCall | None = None, data: Raw = raw.NULL) -> None:
        self.kind, self.call, self.data = kind, call, data
        self.opened = self.signed = False
        self.waiting: list[tuple[str, Raw]] = []
        self._heard: list[Raw] = []  # arguments that were not looked at: while nothing waits, none need be
        self._brackets = Brackets()

    def hear(self, kind: str, piece: Raw) -> None:
        self.waiting.append((kind, piece))
        self.signed = self.signed or kind == "signature"  # what follows is another thought
        if self.call is not None:
            self._heard.append(piece)

    @property
    def ready(self) -> bool:
        return self.call is None or self.call.named

    @property
    def complete(self) -> bool:
        """Whether nothing need follow."""
        if self.call is None:
            return True
        for piece in self._heard:
            self._brackets.read(string(piece))
        self._heard.clear()
        return self._brackets.closed


class Brackets:
    """Tells of a JSON object that comes in pieces when it is whole: each piece is read once, however many there are."""

    def __init__(self) -> None:
        self.closed = False
        self._depth = 0
        self._in_text = False
        self._rest = ""  # a backslash whose character has not come

    def read(self, piece: str) -> None:
        marks = _MARKS.findall(self._rest + piece)
        self._rest = marks.pop() if marks and marks[-1] == "\\" else ""
        for mark in marks:
            if mark == '"':
                self._in_text = not self._in_text
            elif len(mark) == 1 and not self._in_text:
                self._depth += 1 if mark in "{[" else -1
                self.closed = self._depth == 0


class Blocks:
    """`names` leads from the tools' names as the upstream knows them to the client's; `id` makes missing ids."""

    def __init__(self, *, id: str, names: Mapping[str, str]) -> None:
        self.count = 0  # blocks opened
        self.calls = 0
        self._id, self._names = id, names
        self._queue: deque[Block] = deque()
        self._pieces = ToolCalls()
        self._of: dict[int, Block] = {}

    def say(self, kind: str, piece: Raw) -> Iterator[bytes]:
        """A piece of text, of a thought, or the signature that ends one."""
        wanted = "thinking" if kind == "signature" else kind
        if not self._queue or self._queue[-1].kind != wanted or self._queue[-1].signed:
            self._queue.append(Block(wanted))
        self._queue[-1].hear(kind, piece)
        yield from self._advance()

    def hide(self, data: Raw) -> Iterator[bytes]:
        """A thought that only its vendor can read."""
        self._queue.append(Block("redacted_thinking", data=data))
        yield from self._advance()

    def call(self, piece: dict[str, Raw]) -> Iterator[bytes]:
        """A piece of a call, as it stands in a chunk's `tool_calls`."""
        call = self._pieces.add(piece)
        block = self._of.get(id(call))
        if block is None:
            block = self._of[id(call)] = Block("tool_use", call)
            self._queue.append(block)
        arguments = answer_members(piece.get("function", raw.NULL)).get("arguments", raw.NULL)
        if raw.has_text(arguments):
            block.hear("tool_use", arguments)
        yield from self._advance()

    def close(self) -> Iterator[bytes]:
        """All that still waits. An answer without anything gets one empty text: clients look for a first block."""
        if not self._queue and not self.count:
            self._queue.append(Block("text"))
        yield from self._advance(last=True)

    def _advance(self, *, last: bool = False) -> Iterator[bytes]:
        while self._queue:
            block = self._queue[0]
            if not block.opened:
                if not (block.ready or last):
                    return
                yield self._open(block)
            for kind, piece in block.waiting:
                type, member = DELTAS[kind]
                yield event("content_block_delta", index=self.count - 1, delta={"type": type, member: piece})
            block.waiting.clear()
            if not last and (len(self._queue) == 1 or not block.complete):
                return
            self._queue.popleft()
            yield event("content_block_stop", index=self.count - 1)

    def _open(self, block: Block) -> bytes:
        block.opened = True
        self.count += 1
        return event("content_block_start", index=self.count - 1, content_block=self._start(block))

    def _start(self, block: Block) -> dict[str, object]:
        if block.call is not None:
            self.calls += 1
            name = answer_members(block.call.whole(0).get("function", raw.NULL)).get("name", raw.NULL)
            missing = f"toolu_{self._id}_{self.calls}"
            return tool_use(block.call.id, name, raw.EMPTY_OBJECT, missing=missing, names=self._names)
        if block.kind == "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        return {"type": block.kind, **({"data": block.data} if block.kind != "text" else {"text": ""})}


def tool_use(id: Raw, name: Raw, input: Raw, *, missing: str, names: Mapping[str, str]) -> dict[str, object]:
    """The block of a call. `missing` is its id where the upstream gave none."""
    said, called = string(id), string(name)
    return {
        "type": "tool_use",
        "id": wrap(said) if said else missing,
        "name": names.get(called, called),
        "input": input,
    }


def event(type: str, **members: object) -> bytes:
    """One event. Its name stands twice: clients skip those without an `event:` line."""
    return sse.encode(raw.line({"type": type, **members}), type.encode())
