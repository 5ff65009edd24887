"""What a message consists of, in whichever of the three protocols: texts, thoughts, tool calls, results, pictures.

One reader serves them all, because a part's own `type` tells how to read it. It is
for people who look: whatever it does not know is shown as it is, and nothing raises.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Raw

from idetour.wire import raw

type Kind = Literal["text", "thinking", "call", "result", "note"]

TEXTS = ("text", "input_text", "output_text", "summary_text", "reasoning_text")
RESULTS = ("_result", "_output")  # what the types of results end with, in Messages and in Responses
CALLS = ("function", "custom", "tool_use", "_call", "_tool_use")  # and of calls
THOUGHTS = ("reasoning_content", "reasoning")  # of a message in Chat; the first that is there
MEDIA = ("image", "image_url", "input_image", "input_audio", "document", "file", "input_file")

MOST_MENDED = 2 << 20  # bytes in which halves of emoji are looked for: a tenth of a second
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class Part(NamedTuple):
    """`id` joins a call, whose `name` is the tool's, with its result. Of a note, `name` is what it is about."""

    kind: Kind
    text: str
    name: str = ""
    id: str = ""


def parts(said: Any) -> Iterator[Part]:
    """The parts of a message, of its content, or of an item of Responses."""
    if isinstance(said, str):
        if said:
            yield Part("text", said)
    elif isinstance(said, list):
        for each in said:
            yield from parts(each)
    elif isinstance(said, dict):
        yield from _typed(said, word(said, "type"))
    elif said is not None:
        yield Part("text", shown(said))


def _typed(said: dict[str, Any], kind: str) -> Iterator[Part]:
    if kind in TEXTS:
        yield from parts(said.get("text"))
    elif kind in ("thinking", "reasoning"):
        thought = said.get("thinking") or said.get("content") or said.get("summary")
        yield Part("thinking", flat(thought) or "(not shown by the upstream)")
    elif kind == "redacted_thinking":
        yield Part("thinking", "(encrypted by the upstream)")
    elif kind in MEDIA:
        yield Part("note", "", media(said))
    elif kind.endswith(RESULTS):
        yield from _result(said)
    elif kind.endswith(CALLS):
        yield _call(said)
    elif "role" in said:
        yield from _message(said)
    else:
        yield Part("note", shown(said), kind or "of an unknown kind")


def _message(said: dict[str, Any]) -> Iterator[Part]:
    if said["role"] == "tool":
        yield from _result({**said, "output": said.get("content")})
        return
    for thought in filter(None, (flat(said.get(name)) for name in THOUGHTS)):
        yield Part("thinking", thought)
        break
    yield from parts(said.get("content"))
    if refusal := word(said, "refusal"):
        yield Part("note", refusal, "refusal")
    yield from parts(said.get("tool_calls"))
    if isinstance(called := said.get("function_call"), dict):  # what Chat had before tools
        yield _call(called)


def _call(said: dict[str, Any]) -> Part:
    inner = next((said[name] for name in ("function", "custom") if isinstance(said.get(name), dict)), said)
    given = next((inner[name] for name in ("arguments", "input", "action") if inner.get(name)), "")
    return Part("call", arguments(given), word(inner, "name") or word(said, "type"), joined(said))


def _result(said: dict[str, Any]) -> Iterator[Part]:
    content = said.get("output", said.get("content"))
    failed = "failed" if said.get("is_error") else ""
    found = list(parts(content))
    yield Part("result", "\n".join(each.text or f"[{each.name}]" for each in found), failed, joined(said))


def joined(said: dict[str, Any]) -> str:
    """What a call and its result have in common."""
    return word(said, "call_id", "tool_call_id", "tool_use_id", "id")


def flat(said: Any) -> str:
    return "\n".join(each.text for each in parts(said))


def decoded[T](data: bytes | Raw, decode: Callable[[bytes | Raw], T] = msgspec.json.decode) -> T:
    """JSON, mended where an editor cut an emoji in two. Raises ValueError."""
    try:
        return decode(data)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except ValueError:
        if len(data) > MOST_MENDED or not _ESCAPED_HALF.search(bytes(data)):
            raise
        return decode(raw.mended(bytes(data)))


def word(said: dict[str, Any], *names: str) -> str:
    """The first of these members that is a text and says something; else nothing."""
    return next((value for name in names if isinstance(value := said.get(name), str) and value), "")


def media(said: dict[str, Any]) -> str:
    """What is attached, and how large: `image/png 12 kB`."""
    inner = next(
        (said[name] for name in ("source", "image_url", "input_audio", "file") if said.get(name)), said
    )
    if not isinstance(inner, dict):
        inner = {"url": inner}
    url, kind, data = word(inner, "url", "image_url", "file_url", "file_data"), "", word(inner, "data")
    if url.startswith("data:"):
        kind, _, data = url.removeprefix("data:").partition(";base64,")
    kind = kind or word(inner, "media_type", "format") or word(said, "type")
    if data:
        return f"{kind} {size(len(data) * 3 // 4)}"
    return f"{kind} {(url or joined(inner) or word(inner, 'file_id'))[:200]}".strip()


def size(count: int) -> str:
    """Bytes, for people."""
    for unit, each in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= each:
            return f"{count / each:.{1 if count < 10 * each else 0}f} {unit}"
    return f"{count} bytes"


def arguments(given: Any) -> str:
    """A tool's arguments, one below the other; text of several lines stands as it is, not as one line of JSON."""
    if isinstance(given, str):
        try:
            given = decoded(given.encode())
        except ValueError:
            return str(given)  # not complete yet, or no JSON at all
    if not isinstance(given, dict):
        return shown(given)
    return "\n".join(f"{name}:{_argument(value)}" for name, value in given.items())


def _argument(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        return "".join(f"\n  {line}" for line in value.splitlines())
    return f" {shown(value)}"


def shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
