"""A recording: one real request and how it was answered, as a JSON file that people can read, edit and send again.

`of` makes one from what passed, without secrets; `read` takes recordings, plain
request bodies and HAR files, so that what a browser or a proxy saved will do too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from idetour.errors import SetupError, UpstreamError
from idetour.gateway import said
from idetour.gateway.record import Record
from idetour.gateway.said import Protocol
from idetour.gateway.scrub import Scrubber

VERSION = 1
PATHS: dict[str, Protocol] = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
}
# The headers that may matter for an answer. Others are not kept: any of them may hold a secret.
HEADERS = ("user-agent", "anthropic-version", "anthropic-beta", "openai-beta", "originator", "x-app")
LEFT_OUT = "bytes left out]"  # how a blob ends that was replaced by its size


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`body` is the request as it came, in its own protocol. `at` is in seconds since 1970."""

    protocol: Protocol
    at: float = 0.0
    door: str = "direct"
    headers: Mapping[str, str] = field(default_factory=dict)
    removed: Mapping[str, int] = field(default_factory=dict)  # `keys`, `data`: how many
    body: Mapping[str, Any]
    answer: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""  # where it was read from; not in the file

    @property
    def asked(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True

    @property
    def whole(self) -> bool:
        """Whether it can be sent: nothing that the model was to see was replaced by its size."""
        return not self.removed.get("data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What went through a connection: a request's body, inflated, and the bytes of its answer."""

    protocol: Protocol
    headers: Mapping[str, str]
    body: bytes
    answer: bytes
    stream: bool


def of(passed: Passed, record: Record, scrubber: Scrubber) -> Recording:
    """Takes milliseconds per megabyte: not for the event loop. Raises ValueError for a body that is no JSON object."""
    body = {"model": record.asked} | msgspec.json.decode(passed.body, type=dict[str, Any])
    kept = {name: passed.headers[name] for name in HEADERS if name in passed.headers}
    return Recording(
        protocol=passed.protocol,
        body=scrubber.value(body),
        headers=scrubber.value(kept),
        at=record.began,
        door=record.door,
        answer=scrubber.value(summary(passed, record)),
        removed=dict(scrubber.removed),
    )


def summary(passed: Passed, record: Record) -> dict[str, Any]:
    """Who answered, how long it took in seconds, what it cost in tokens, and what was said."""
    made: dict[str, Any] = {
        "id": record.id,
        "target": record.target and str(record.target),
        "outcome": record.outcome,
        "status": record.status,
        "attempts": [{"target": str(each.target), "ended": each.ended} for each in record.tried],
        "first_token": record.first_token,
        "total": record.total,
        "tokens": record.usage and asdict(record.usage),
    }
    if record.error:
        made["error"] = record.error
    if record.outcome != "ok":
        return made
    try:
        told = said.read(passed.protocol, passed.answer, stream=passed.stream)
    except UpstreamError as error:  # longer than what is kept of an answer
        return made | {"error": error.message}
    calls = [{"name": call.name, "arguments": call.arguments} for call in told.calls]
    return made | {"text": told.text, "tool_calls": calls, "finish": told.finish}


def encode(recording: Recording) -> bytes:
    """The file's content."""
    made = {"idetour": "recording", "version": VERSION, **asdict(recording)}
    del made["source"]
    return msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"


def read(content: bytes, source: str) -> list[Recording]:
    """All requests in a file. Raises SetupError, which says what is wrong and where."""
    try:
        told = msgspec.json.decode(content)
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{source} is no JSON: {error}.") from None
    match told:
        case {"idetour": "recording"}:
            return [_recording(told, source)]
        case {"log": {"entries": list(entries)}}:
            if found := [*_har(entries, source)]:
                return found
            raise SetupError(f"{source}: none of its {len(entries)} requests is one to a model.")
        case {"messages": list()} | {"input": _}:
            protocol: Protocol = "chat" if "messages" in told else "responses"
            return [
                Recording(protocol="messages" if "system" in told else protocol, body=told, source=source)
            ]
    raise SetupError(f"{source} is neither a recording, nor a request's body, nor a HAR file.")


def _recording(told: dict[str, Any], source: str) -> Recording:
    if told.get("version") != VERSION:
        raise SetupError(f"{source}: version is {told.get('version')}; this idetour reads {VERSION}.")
    known = {name: told[name] for name in Recording.__dataclass_fields__ if name in told}
    try:
        made = msgspec.convert(known | {"source": source}, type=Recording)
    except ValueError as error:
        raise SetupError(f"{source}: {error}.") from None
    _check(made)
    return made


def _check(recording: Recording) -> None:
    """Raises SetupError where there is nothing to answer."""
    name = "input" if recording.protocol == "responses" else "messages"
    # Cursor sends `input` to Chat's path.
    either = ("messages", "input") if recording.protocol == "chat" else (name,)
    if not any(recording.body.get(each) for each in either):
        raise SetupError(f"{recording.source}: body.{name} is missing or empty: there is nothing to answer.")


def _har(entries: list[Any], source: str) -> Iterator[Recording]:
    """The requests to a model among all that a browser or a proxy saw."""
    for index, entry in enumerate(entries):
        match entry:
            case {"request": {"method": "POST", "url": str(url), "postData": {"text": str(text)}} as request}:
                if protocol := spoken(urlsplit(url).path):
                    place = f"{source}: log.entries[{index}]"
                    yield posted(protocol, text, headers=_pairs(request.get("headers")), source=place)


def posted(protocol: Protocol, text: str | bytes, *, headers: Mapping[str, str], source: str) -> Recording:
    """A request that another program saved. Raises SetupError."""
    try:
        body = msgspec.json.decode(text, type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{source}: its body is no JSON object: {error}.") from None
    made = Recording(
        protocol=protocol,
        body=body,
        headers={name: value for name, value in headers.items() if name in HEADERS},
        source=source,
    )
    _check(made)
    return made


def spoken(path: str) -> Protocol | None:
    """The protocol that is asked for at a path, wherever a vendor has put it."""
    return next((each for ours, each in PATHS.items() if path.rstrip("/").endswith(ours[3:])), None)


def _pairs(headers: Any) -> dict[str, str]:
    return {
        str(each["name"]).lower(): str(each.get("value", ""))
        for each in headers or ()
        if isinstance(each, dict) and "name" in each
    }
