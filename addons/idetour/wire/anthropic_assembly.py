"""A message of Anthropic's, put together again from the events that streamed it.

For a client that speaks Messages and wants its answer whole, where the upstream was
asked for a stream: it gets what the upstream would have said at once, with
signatures, blocks and usage. Text stays the bytes that came; members that are not
known here are kept.
"""

from msgspec import Raw

from idetour.wire import messages_ends, raw
from idetour.wire.messages_whole import input_of
from idetour.wire.places import joined
from idetour.wire.raw import Fields
from idetour.wire.turns import any_members, string

PIECES = ("text", "thinking", "partial_json")  # members of a delta that go on; others are whole


class Block:
    """A block of content, as it stands at its start, and what its deltas add."""

    def __init__(self, start: Fields) -> None:
        self._fields = start
        self._pieces: dict[str, list[Raw]] = {}
        self._citations: list[Raw] = []

    def add(self, delta: Fields) -> None:
        for name, value in delta.items():
            if name in PIECES and raw.is_text(value):
                self._pieces.setdefault(name, []).append(value)
            elif name == "citation":
                self._citations.append(value)
            elif name != "type":
                self._fields[name] = value

    def whole(self) -> Fields:
        """A call whose input broke off has what came of it in `_raw`."""
        made = dict(self._fields)
        for name, pieces in self._pieces.items():
            if name == "partial_json":
                said = joined(pieces)
                made |= {"input": input_of(said)} if raw.has_text(said) else {}
            else:
                made[name] = joined(
                    [each for each in (made.get(name, raw.NULL), *pieces) if raw.is_text(each)]
                )
        if self._citations:
            before = made.get("citations", raw.NULL)
            known = raw.items(before) if raw.kind(before) == b"[" else []
            made["citations"] = raw.of([*known, *self._citations])
        return made


class MessageAssembly:
    """Feed it events in their order: one block after the other, none before `message_start`."""

    def __init__(self) -> None:
        self._message: Fields = {}
        self._blocks: list[Block] = []
        self._usage: dict[str, object] = {}

    def add(self, event: bytes) -> None:
        """An event that was found to be one. What it leaves out, or says to be null, stays as it was."""
        fields = any_members(Raw(event))
        match string(fields.pop("type", raw.NULL)):
            case "message_start":
                self._message = any_members(fields["message"])
                self._count(self._message.get("usage", raw.NULL))
            case "content_block_start":
                self._blocks.append(Block(any_members(fields["content_block"])))
            case "content_block_delta":
                self._blocks[-1].add(any_members(fields.get("delta", raw.NULL)))
            case "message_delta":
                self._count(fields.pop("usage", raw.NULL))
                told = any_members(fields.pop("delta", raw.NULL)) | fields
                self._message |= {name: value for name, value in told.items() if value != raw.NULL}

    def _count(self, usage: Raw) -> None:
        self._usage = messages_ends.merged(self._usage, usage)

    def whole(self) -> Fields:
        """The message, as the upstream would have said it at once."""
        content = [block.whole() for block in self._blocks]
        return self._message | {"content": raw.of(content), "usage": raw.of(self._usage)}
