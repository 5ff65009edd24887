"""`POST /admin/api/doctor`: what `idetour doctor` finds, hop by hop, as it finds it.

It runs in a process of its own: it takes seconds, blocks while it waits, and
asks this idetour as any program would.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from idetour.endpoints.admin.events import HEADERS
from idetour.endpoints.admin.owner import Admin, wish
from idetour.endpoints.asgi import Exchange
from idetour.errors import BadRequest, RequestError

LONGEST_SECONDS = 300.0
LINE_BYTES = 1 << 20
PACKAGE = Path(__file__).parents[3]  # where `idetour` is imported from


class Walk(msgspec.Struct, forbid_unknown_fields=True):
    ide: str | None = None
    model: str | None = None
    offline: bool = False


async def doctor(admin: Admin, exchange: Exchange) -> None:
    """Streams an event for each hop and one at the end. Raises RequestError where it cannot be started."""
    wanted = await wish(exchange, Walk, '{"ide": "trae", "offline": true}, or less')
    for value in (wanted.ide, wanted.model):
        if value is not None and (value.startswith("-") or not value.isprintable() or len(value) > 200):
            raise BadRequest(f"{value[:40]!r} is no name.")
    port = exchange.headers["host"].rpartition(":")[2]
    if not port.isdigit():
        raise BadRequest("Ask by a name with a port, as in http://127.0.0.1:8080.")
    words = ["doctor", "--lines", "--port", port, *(["--offline"] if wanted.offline else [])]
    words += [f"--ide={wanted.ide}"] if wanted.ide else []
    words += [f"--model={wanted.model}"] if wanted.model else []
    profile = str(admin.weights.watched.current.path)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "idetour", *words, profile),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(),
            limit=LINE_BYTES,
        )
    except OSError as error:
        raise RequestError(f"The doctor cannot be started: {error}.") from error
    try:
        async with exchange.attended(), asyncio.timeout(LONGEST_SECONDS):
            await exchange.start(200, HEADERS)
            async for event in events(process):
                await exchange.write(event)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
    await exchange.end()


async def events(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    """Its findings. Where it ends without a conclusion, the last that it said is why."""
    assert process.stdout
    said, ended = b"", False
    async for line in process.stdout:
        if line.startswith(b"{"):
            ended = ended or b'"type": "end"' in line
            yield b"data: %s\n\n" % line.strip()
        else:
            said = line.strip() or said
    if not ended:
        why = said.decode("utf-8", "replace")[:500] or "the doctor said nothing"
        yield b"data: %s\n\n" % msgspec.json.encode({"type": "end", "open": False, "error": why})


def environment() -> dict[str, str]:
    """Our own, with the package findable where it is not installed."""
    paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
