"""The cases in tests/golden/wire/messages: what came, a line of dashes, what became of it.

request, chat_request   a Messages body as Chat, a Chat body as Messages; or the sentence of the refusal
stream, chat_stream     Chat SSE as Messages events, Messages events as Chat SSE
whole, chat_whole       a completion as a message, a message as a completion
"""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from idetour.wire import sse
from idetour.wire.messages_stream import MessageStream

FOLDER = Path(__file__).parent.parent / "golden" / "wire" / "messages"
DASHES = "\n" + 40 * "-" + "\n"
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def cases(kind: str) -> dict[str, tuple[str, str]]:
    paths = sorted((FOLDER / kind).glob("*.txt"))
    texts = {path.stem: path.read_bytes().decode().split(DASHES) for path in paths}
    return {name: (given, wanted.rstrip("\n")) for name, (given, wanted) in texts.items()}


def each(kind: str) -> pytest.MarkDecorator:
    found = cases(kind)
    return pytest.mark.parametrize(("given", "wanted"), found.values(), ids=found.keys())


def machine() -> MessageStream:
    """As the cases have it."""
    names = {"short_name": "the_long_name"}
    return MessageStream(model="asked", id="msg_ours", estimate=11, names=names, stops=["END"])


def told(*chunks: bytes) -> bytes:
    """Chat SSE as Messages events."""
    stream = machine()
    return b"".join([*(stream.feed(chunk) for chunk in chunks), stream.end()])


def events(stream: bytes) -> list[dict[str, Any]]:
    """The events, each with its name standing twice, as Anthropic has it."""
    found = sse.Reader().feed(stream)
    read = [json.loads(each.data) for each in found]
    assert [each.name.decode() for each in found] == [event["type"] for event in read]
    return read


def message(stream: bytes) -> Message | None:
    """What Anthropic's SDK makes of the events, up to an error; every event has to be of the types it knows."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events(stream):
        if event["type"] not in ("ping", "error"):
            read = EVENT.validate_python(event)
            snapshot = accumulate_event(event=read, current_snapshot=snapshot, json_bufs=buffers)
    return cast(Message | None, snapshot)


def well_formed(stream: bytes, *, empty: bool = False) -> bool:
    """Whether blocks follow each other strictly and the message ends once, or in an error.

    `empty`: it may end without a block, as Anthropic's own sometimes do.
    """
    kinds = [event["type"] for event in events(stream) if event["type"] != "ping"]
    open_block, count = False, 0
    for event in events(stream):
        if event["type"] == "content_block_start":
            if open_block or event["index"] != count:
                return False
            open_block, count = True, count + 1
        elif event["type"] in ("content_block_delta", "content_block_stop"):
            if not open_block or event["index"] != count - 1:
                return False
            open_block = event["type"] == "content_block_delta"
    ends = kinds[-2:] == ["message_delta", "message_stop"] and not open_block and (empty or count > 0)
    once = kinds.count("message_start") == 1 and kinds[0] == "message_start"
    failed = kinds[-1] == "error" and kinds.count("message_start") <= 1
    return (ends and once and kinds.count("message_stop") == 1) or (failed and "message_stop" not in kinds)
