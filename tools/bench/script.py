"""What the load generator and the upstream mock agree upon.

A request carries its script in the text of its first message, so that it gets
through proxies that rewrite everything else. Each event of the answer carries
two times of CLOCK_MONOTONIC, which all processes of a machine share: when the
mock had the whole request, and when it sent the event. So the way there and
the way back are measured, and what the mock waits in between is not.
"""

import importlib
import json
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

SCRIPT = re.compile(rb"#(\d+) (\d+) (\d+)#")
STAMP = re.compile(rb"@(\d+)\.(\d+)@")
STAMP_LENGTH = 2 * 20 + 3  # bytes, at most

FILLER = '''def total(items: list[Item], *, rate: float = 0.19) -> float:
    """Sum up what is in the basket; "free" items count as 0."""
    return round(sum(each.price * each.count for each in items if not each.free) * (1 + rate), 2)
'''


@dataclass(frozen=True, slots=True)
class Script:
    """How the mock answers: with `chunks` events, one each `delay` µs; with none it does not stream."""

    id: int = 0
    chunks: int = 0
    delay: int = 0


def write(script: Script, *, model: str, size: int = 1000) -> bytes:
    """A chat request of about `size` bytes that asks for `script`: a conversation about code."""
    messages = [{"role": "user", "content": f"#{script.id} {script.chunks} {script.delay}# " + FILLER}]
    request = {"model": model, "messages": messages, "stream": script.chunks > 0, "temperature": 0.7}
    short = size - len(json.dumps(request))
    turn = [{"role": "assistant", "content": 4 * FILLER}, {"role": "user", "content": 4 * FILLER}]
    messages += max(0, round(short / len(json.dumps(turn)))) * turn
    return json.dumps(request).encode()


def read(body: bytes | bytearray) -> Script | None:
    """The script in the first bytes of a request."""
    found = SCRIPT.search(body)
    return Script(*map(int, found.groups())) if found else None


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed: it leaves more of the core to what is measured."""
    importlib.import_module("uvloop" if find_spec("uvloop") else "asyncio").run(main)
