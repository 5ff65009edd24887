"""Start and stop of the whole."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import json

from endpoints.talk import HELLO, Line, request
from idetour.endpoints.serve import Gateway, start
from upstream import Upstream, stall_before_headers, stream, until


@pytest.fixture
def path(profile_file: Callable[..., Path], upstream: Upstream) -> Path:
    return profile_file(f"upstreams: {{up: {{url: '{upstream.url}'}}}}\nmodels: {{m: up/model}}")


def under_way(gateway: Gateway, upstream: Upstream) -> Line:
    line = Line(gateway.port)
    line.send(request("POST", "/v1/chat/completions", json.encode({**HELLO, "stream": True})))
    assert until(lambda: [each for each in upstream.requests if each.method == "POST"])
    return line


@pytest.mark.parametrize("answer", [stall_before_headers(), stream("Hel", "lo").stall_after(2)])
def test_after_stop_nothing_is_left_on_the_loop_or_open(
    path: Path, upstream: Upstream, answer: object
) -> None:
    upstream.always(answer)  # type: ignore[arg-type]

    async def run() -> tuple[set[str], bool]:
        gateway = await start(path)
        line = await asyncio.to_thread(under_way, gateway, upstream)
        await gateway.stop()
        assert [record.outcome for record in gateway.pipeline.recent] == ["stopped"]
        left = {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}
        with pytest.raises(ConnectionRefusedError):
            Line(gateway.port)
        line.close()
        return left, await asyncio.to_thread(until, lambda: upstream.open == 0)

    assert asyncio.run(run()) == (set(), True)


def test_halt_needs_no_await_and_ends_with_the_loop(
    path: Path, upstream: Upstream, recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        gateway = await start(path)
        (await asyncio.to_thread(under_way, gateway, upstream)).close()
        gateway.halt()

    asyncio.run(run())
    assert "Unclosed" not in f"{caplog.text}{[str(each.message) for each in recwarn]}"


def test_chatty_libraries_are_quiet_even_where_everything_is_logged(path: Path) -> None:
    async def run() -> None:
        await (await start(path)).stop()

    asyncio.run(run())
    assert [
        logging.getLogger(name).isEnabledFor(logging.INFO) for name in ("aiohttp", "uvicorn", "asyncio")
    ] == [False] * 3


def test_a_port_that_is_taken_is_told(path: Path, port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        asyncio.run(start(path, port=port))
