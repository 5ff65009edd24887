"""What an answer says, whichever of the three protocols it came in: to compare answers, not to pass them on.

Messages and Responses become Chat first, by the translators that serve such upstreams.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from idetour.errors import UpstreamError
from idetour.wire import anthropic_stream, anthropic_whole, responses_up_stream, responses_up_whole
from idetour.wire.completion import Collector
from idetour.wire.fault import parse_error, upstream_error
from idetour.wire.usage import Usage

type Protocol = Literal["chat", "messages", "responses"]

_WHOLE: Mapping[Protocol, Callable[[bytes], bytes]] = {
    "chat": lambda body: body,
    "messages": lambda body: anthropic_whole.completion(body, created=0),
    "responses": responses_up_whole.completion,
}
_STREAMS: Mapping[Protocol, type[anthropic_stream.ChatStream | responses_up_stream.ChatStream]] = {
    "messages": anthropic_stream.ChatStream,
    "responses": responses_up_stream.ChatStream,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `arguments` is text, as the model wrote it; `free` where it is not meant to be JSON."""

    name: str
    arguments: str
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    text: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = ""  # in Chat's words, whatever the protocol
    usage: Usage | None = None


def read(protocol: Protocol, body: bytes, *, stream: bool) -> Said:
    """A whole answer's body. Raises UpstreamError for an error, and for a stream that broke off."""
    try:
        return _completion(_collected(protocol, body) if stream else _WHOLE[protocol](body))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        heard = parse_error(body).message[:200] or "nothing"
        raise UpstreamError(f"This is no answer: {heard}", code="bad_upstream_response") from None


def _collected(protocol: Protocol, body: bytes) -> bytes:
    """A stream as one completion."""
    if translates := _STREAMS.get(protocol):
        machine = translates()
        body = machine.feed(body) + machine.end()
    collector = Collector(model="", id="", created=0)
    collector.feed(body)
    return collector.result()


def _completion(body: bytes) -> Said:
    told = msgspec.json.decode(body)
    if "choices" not in told:
        raise upstream_error(body)
    choice = told["choices"][0]
    message = choice["message"]
    return Said(
        text=message.get("content") or "",
        calls=tuple(_chat_calls(message)),
        finish=choice.get("finish_reason") or "",
        usage=_usage(told),
    )


def _chat_calls(message: dict[str, Any]) -> Iterator[Call]:
    for call in message.get("tool_calls") or ():
        if custom := call.get("custom"):
            yield Call(custom["name"], custom.get("input", ""), free=True)
        else:
            yield Call(call["function"]["name"], call["function"].get("arguments") or "")
    if old := message.get("function_call"):
        yield Call(old["name"], old.get("arguments") or "")


def _usage(told: dict[str, Any]) -> Usage | None:
    return Usage.read(msgspec.json.encode(told.get("usage")))
