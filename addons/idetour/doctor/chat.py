"""Ask the idetour that runs, as an IDE does: a streamed chat completion, read as it comes."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from idetour.doctor.road import Road
from idetour.doctor.trouble import explained
from idetour.errors import SetupError
from idetour.wire.fault import parse_error
from idetour.wire.sse import Reader

type Choice = Mapping[str, Any]  # one choice of a chunk: its delta and, in the end, its finish reason

AGENT = "idetour-doctor"  # so that no total counts what we ask
CONNECT_SECONDS = 5.0
SAID = ("content", "reasoning_content", "reasoning", "tool_calls", "refusal")


def choices(road: Road, body: Mapping[str, Any]) -> Iterator[Choice]:
    """The first choice of every chunk; who stops reading early ends the answer.

    Raises SetupError with what was said or what happened, also where nothing
    of content comes within the road's patience: keep-alives do not count.
    """
    begun, deadline = False, time.monotonic() + road.patience
    timeout = httpx2.Timeout(road.patience, connect=CONNECT_SECONDS)
    headers = {**road.authorization, "accept": "text/event-stream", "user-agent": AGENT}
    try:
        with (
            httpx2.Client(timeout=timeout, trust_env=False) as client,
            client.stream(
                "POST", f"{road.base}/v1/chat/completions", json={**body, "stream": True}, headers=headers
            ) as answer,
        ):
            if not answer.is_success:
                raise SetupError(f"{answer.status_code} {parse_error(answer.read()).message}")
            reader = Reader()
            for piece in answer.iter_bytes():
                for choice in read(reader, piece):
                    begun = begun or has_content(choice)
                    yield choice
                if not begun and time.monotonic() > deadline:
                    raise SetupError(silence(road))
    except httpx2.TimeoutException as error:
        raise SetupError(silence(road)) from error
    except httpx2.HTTPError as error:
        raise SetupError(explained(error, here=True)[0]) from error


def silence(road: Road) -> str:
    return f"no first word within {road.patience:g} s"


def read(reader: Reader, piece: bytes) -> Iterator[Choice]:
    """The choices in what has arrived. Raises SetupError for an error event and for what is no chunk."""
    for event in reader.feed(piece):
        if event.data == b"[DONE]":
            continue
        try:
            chunk = json.loads(event.data)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            raise SetupError(f"an event of the stream is no JSON object: {event.data[:80]!r}")
        if "error" in chunk:
            raise SetupError(parse_error(event.data).message)
        yield from (chunk.get("choices") or ())[:1]


def has_content(choice: Choice) -> bool:
    delta = choice.get("delta") or {}
    return any(delta.get(name) for name in SAID)
