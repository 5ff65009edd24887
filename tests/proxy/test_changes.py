"""What idetour changed in a request, in words."""

import json
from typing import Any

import pytest

from idetour.proxy.changes import changes

SAYS = {"messages": [{"role": "user", "content": "hi"}]}


def body(**fields: Any) -> bytes:
    return json.dumps({**SAYS, **fields}).encode()


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        (body(model="a"), body(model="a"), []),
        (body(model="a"), body(model="b"), ['model "a" → "b"']),
        (body(store=True), body(top_p=0.8), ["top_p 0.8 added", "store dropped"]),
        (body(max_tokens=100_000), body(max_tokens=4096), ["max_tokens 100000 → 4096"]),
        (body(tools=[1] * 100), body(tools=[2] * 1000), ["tools (300 bytes) → (3.0 kB)"]),
        (body(), b'{"model": "m", "system": "s", "messages": []}', []),  # of another protocol: all differs
        (b"garbage", body(), []),
    ],
)
def test_each_field_that_differs_is_told(asked: bytes, sent: bytes, told: list[str]) -> None:
    assert told == changes(asked, sent)
