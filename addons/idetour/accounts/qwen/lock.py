"""One renewal at a time among all processes that share a login, Qwen Code included.

Its protocol: the lock is a file that only its maker could create, with a random
id in it. One that is older than ten seconds belongs to nobody any more; it is
renamed before it is removed, so that two who wait cannot both remove it, the
second one a lock that is new.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from idetour import disk

TRIES = 20
FIRST_SECONDS, LONGEST_SECONDS = 0.1, 2.0  # between them, half as long again each time
STALE_SECONDS = 10.0


@contextlib.asynccontextmanager
async def held(file: Path) -> AsyncIterator[None]:
    """Raises TimeoutError after about half a minute. Where no file can be written there is no lock to hold."""
    id, wait = str(uuid.uuid4()), FIRST_SECONDS
    try:
        for _ in range(TRIES):
            if await asyncio.to_thread(taken, file, id):
                break
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LONGEST_SECONDS)
        else:
            raise TimeoutError(f"another program holds {file}")
        yield
    finally:
        release(file, id)


def taken(file: Path, id: str) -> bool:
    """Whether there is nothing to wait for any more."""
    try:
        disk.create(file, id.encode())
    except FileExistsError:
        return put_away(file) and taken(file, id)
    except OSError:
        return True  # a home that is read-only
    return True


def put_away(file: Path) -> bool:
    """Whether a lock was stale, and is gone."""
    aside = file.with_name(f"{file.name}.stale.{uuid.uuid4()}")
    try:
        if time.time() - file.stat().st_mtime <= STALE_SECONDS:
            return False
        file.rename(aside).unlink()
    except FileNotFoundError:
        return True  # its holder, or another who waited, was quicker
    except OSError:
        return False
    return True


def release(file: Path, id: str) -> None:
    """Only our own: whoever found it stale has made another."""
    with contextlib.suppress(OSError, ValueError):
        if file.read_text("ascii") == id:
            file.unlink()
