"""An answer that is shown while it comes."""

import asyncio
from typing import Any

from mitmproxy import http
from mitmproxy.test import taddons, tflow

from idetour.proxy.growing import SHOWN_SECONDS, Growing


class Looking:
    """Somebody who is told of changed flows."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def update(self, flows: list[http.HTTPFlow]) -> None:
        self.seen += [flow.response.raw_content or b"" for flow in flows if flow.response]


def body(flow: http.HTTPFlow) -> bytes | None:
    return flow.response.raw_content if flow.response else None


def prepared(flow: http.HTTPFlow) -> None:
    flow.comment = "prepared"


def grown(steps: Any, *, limit: int = 1000, live: bool = True) -> tuple[Looking, http.HTTPFlow]:
    """A flow, and what was seen of it while `steps` ran."""
    looking, flow = Looking(), tflow.tflow(resp=True)

    async def run() -> None:
        with taddons.context(looking):
            await steps(Growing(flow, limit, live=live, prepare=prepared))

    asyncio.run(run())
    return looking, flow


async def many(growing: Growing) -> None:
    for _ in range(100):
        growing.add(b"x")
    await asyncio.sleep(1.5 * SHOWN_SECONDS)
    growing.add(b"y")
    growing.end()
    await asyncio.sleep(1.5 * SHOWN_SECONDS)


def test_many_pieces_are_shown_at_once_and_nothing_after_the_end() -> None:
    looking, flow = grown(many)
    assert looking.seen == [b"x" * 100]
    assert body(flow) == b"x" * 100 + b"y"
    assert flow.comment == "prepared"


def test_what_nobody_looks_at_is_put_into_the_flow_at_its_end_alone() -> None:
    looking, flow = grown(many, live=False)
    assert looking.seen == []
    assert body(flow) == b"x" * 100 + b"y"


def test_no_more_is_kept_than_was_allowed() -> None:
    looking, flow = grown(many, limit=10)
    assert looking.seen == [b"x" * 10]
    assert body(flow) == b"x" * 10


def test_an_answer_without_a_body_is_left_as_it_is() -> None:
    async def nothing(growing: Growing) -> None:
        growing.end()

    _, flow = grown(nothing)
    assert body(flow) == b"message"
