"""The end of the log, newest first: read backwards from its file, or from what was told live where there is none."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from idetour.endpoints.admin.owner import Admin, number, query, told
from idetour.endpoints.asgi import Exchange
from idetour.errors import BadRequest

LEVELS = ("debug", "info", "warning", "error")
MOST = 1_000  # lines of an answer
BLOCK = 64 << 10
READ_BYTES = 32 << 20  # how far back one answer looks


async def logs(admin: Admin, exchange: Exchange) -> None:
    said = query(exchange)
    level = said.get("level", "info")
    if level not in LEVELS:
        raise BadRequest(f"{level[:40]!r} is no level. There are {', '.join(LEVELS)}.", param="level")
    limit = max(1, min(number(said, "limit", 200), MOST))
    if admin.logs is None:
        return await told(exchange, {"lines": [], "file": None, "next": None})
    before = number(said, "before", 0) or None
    lines, following = await asyncio.to_thread(tail, admin.logs, said | {"level": level}, limit, before)
    await told(exchange, {"lines": lines, "file": str(admin.logs), "next": following})


def tail(
    path: Path, wanted: Mapping[str, str], limit: int, before: int | None
) -> tuple[list[dict[str, Any]], str | None]:
    """The last lines that are wanted, and where to go on: an offset in the file. Reads a file."""
    found: list[dict[str, Any]] = []
    try:
        for start, line in backwards(path, before):
            if (read := parsed(line)) and matches(read, wanted):
                found.append(read)
                if len(found) == limit:
                    return found, str(start) if start else None
    except OSError:
        pass  # it was moved aside meanwhile, or nothing was written yet
    return found, None


def backwards(path: Path, before: int | None) -> Iterator[tuple[int, bytes]]:
    """Lines from the end, each with its place in the file."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = at = min(before, size) if before is not None else size
        rest = b""
        while at > max(0, end - READ_BYTES):
            step = min(BLOCK, at)
            at -= step
            file.seek(at)
            rest = file.read(step) + rest
            first, *lines = rest.split(b"\n")
            place = at + len(rest)
            for line in reversed(lines):
                place -= len(line)
                if line:
                    yield place, line
                place -= 1
            rest = first
        if rest and at == 0:
            yield 0, rest


def parsed(line: bytes) -> dict[str, Any] | None:
    try:
        read = msgspec.json.decode(line)
    except ValueError:
        return None
    return read if isinstance(read, dict) and "at" in read else None


def matches(line: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    level = line.get("level")
    if level in LEVELS and LEVELS.index(level) < LEVELS.index(wanted["level"]):
        return False
    if (request := wanted.get("request")) and line.get("request") != request:
        return False
    return wanted.get("search", "").casefold() in str(line.get("text", "")).casefold()
