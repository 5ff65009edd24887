"""A model exchange as people read it: who said what, which tools were called with what, how it ended.

Bytes in, text out: nothing here knows of mitmproxy. An IDE sends the system prompt and
all that was said before each time, so that is folded. What is left out is said, with
its size; where the bytes are no conversation, the first line says so and they follow
as they are. 10 MB take less than 200 ms: whoever looks must not stop those who stream.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from msgspec import Raw

from idetour.proxy.page import SYSTEM, WIDTH, Answer, Turn, ending, fold, layout, plain, wrapped
from idetour.proxy.parts import Part, decoded, parts, size, word
from idetour.proxy.pieces import Stream, stream
from idetour.wire import raw
from idetour.wire.raw import Fields
from idetour.wire.turns import string

MOST_TURNS = 200  # the newest are shown
MOST_PARTS = 200  # of a turn
MOST_TOOLS = 100  # that are named
LONGEST_FIELD = 80  # bytes of a parameter that is shown
# Members of a request that are shown in places of their own.
SAID = ("messages", "input", "system", "instructions", "tools", "model")


def request(body: bytes) -> str:
    """A request of any of the three protocols. Never raises."""
    try:
        fields = parsed(body)
        turns, older = asked(fields)
    except (ValueError, RecursionError) as error:
        return plain(body, error)
    lines = [*wrapped(settings(fields), WIDTH)]
    if older:
        lines += ["", f"… {older:,} older messages are not shown"]
    return "\n".join([*lines, *layout(fold(turns))])


def answer(body: bytes, *, events: bool = False) -> str:
    """An answer, whole or as far as its stream has come. Never raises."""
    try:
        made = streamed(stream(body)) if events else whole(parsed(body))
    except (ValueError, RecursionError) as error:
        return plain(body, error)
    return "\n".join([*layout(made.turns), *ending(made)]).lstrip("\n")


def parsed(body: bytes) -> Fields:
    """Raises ValueError, in words."""
    try:
        return decoded(body, raw.fields)
    except ValueError as error:
        raise ValueError(f"This is no JSON object: {error}") from None


def asked(fields: Fields) -> tuple[list[Turn], int]:
    """What is asked, and how many messages before it are left out. Raises ValueError where nobody says anything."""
    said = fields.get("messages", fields.get("input", raw.NULL))
    if raw.is_text(said):
        items, older = [said], 0
    elif raw.kind(said) == b"[" and ("messages" in fields or "model" in fields):
        items = raw.items(said)
        older = max(0, len(items) - MOST_TURNS)
    else:
        raise ValueError("This is no conversation: it has neither `messages` nor `input`")
    apart = (fields[name] for name in ("system", "instructions") if name in fields)
    first = [Turn("system", some(value(each))) for each in apart]
    first += [turn(value(item)) for item in items[: min(older, 1)] if role_of(item) in SYSTEM]
    return [*first, *joined(turn(value(item)) for item in items[older:])], older


def role_of(item: Raw) -> str:
    return string(raw.fields(item).get("role", raw.NULL)) if raw.kind(item) == b"{" else ""


def value(item: Raw) -> Any:
    """JSON as Python's own."""
    try:
        return decoded(item)
    except ValueError:
        return f"(cannot be read: {size(len(item))})"


def turn(item: Any) -> Turn:
    """A message, or an item of Responses, which has a role only if it is a message."""
    said = item if isinstance(item, dict) else {}
    found = some(item)
    result = bool(found) and all(part.kind == "result" for part in found)
    role = "tool" if result else word(said, "role") or ("assistant" if word(said, "type") else "user")
    return Turn(role, found)


def some(said: Any) -> list[Part]:
    """As many parts as are shown."""
    found = [*islice(parts(said), MOST_PARTS + 1)]
    if len(found) > MOST_PARTS:
        found[-1] = Part("note", "", "more parts are not shown")
    return found


def joined(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Neighbours of one role as one: in Responses each call is an item of its own."""
    last: Turn | None = None
    for each in turns:
        if last and each.role == last.role and each.role in ("assistant", "tool"):
            last.parts += each.parts
            continue
        if last:
            yield last
        last = each
    if last:
        yield last


def settings(fields: Fields) -> list[str]:
    """The first lines: the model, and all that is neither said nor a tool; then the tools' names."""
    words = [string(fields.get("model", raw.NULL)) or "no model"]
    for name, given in fields.items():
        if name not in SAID:
            long = len(given) > LONGEST_FIELD
            text = size(len(given)) if long else bytes(given).decode("utf-8", "replace")
            words.append(f"{name} {' '.join(text.split())}")
    tools = value(fields["tools"]) if "tools" in fields else None
    if not isinstance(tools, list) or not tools:
        return [" · ".join(words)]
    names = [named(each) for each in tools[:MOST_TOOLS] if isinstance(each, dict)]
    more = ", …" if len(tools) > MOST_TOOLS else ""
    return [" · ".join(words), f"{len(tools)} tool{'s' if len(tools) > 1 else ''}: {', '.join(names)}{more}"]


def named(tool: dict[str, Any]) -> str:
    inner = tool.get("function")
    return word(inner if isinstance(inner, dict) else tool, "name") or word(tool, "type")


def whole(fields: Fields) -> Answer:
    """Raises ValueError for what is no model's answer."""
    said = {name: value(each) for name, each in fields.items()}
    fault = said.get("error")
    made = Answer([], usage=said.get("usage"), fault=fault)
    if isinstance(choices := said.get("choices"), list):
        for number, choice in enumerate(each for each in choices if isinstance(each, dict)):
            made.turns.append(Turn(speaker(number), [*parts(choice.get("message"))]))
            made.finish = made.finish or word(choice, "finish_reason")
    elif isinstance(output := said.get("output"), list):
        made.turns.append(Turn("assistant", [*parts(output)]))
        made.finish = word(said, "status")
    elif said.get("type") == "message":
        made.turns.append(Turn("assistant", [*parts(said.get("content"))]))
        made.finish = word(said, "stop_reason")
    elif not fault:
        raise ValueError("This is no model's answer")
    return made


def streamed(said: Stream) -> Answer:
    if not (said.pieces or said.finish or said.fault or said.usage or said.model):
        raise ValueError("No answer of a model has come in this stream yet")
    by_choice: dict[int, list[Part]] = {}
    for piece in said.pieces.values():
        by_choice.setdefault(piece.choice, []).extend(piece.parts())
    turns = [Turn(speaker(number), found) for number, found in by_choice.items()]
    made = Answer(turns, said.finish, said.usage, said.fault)
    if said.skipped:
        made.notes.append(f"{size(said.skipped)} in the middle of this stream were not read")
    if said.unread:
        made.notes.append(f"{said.unread:,} of its events could not be read")
    if not (said.finish or said.fault):
        made.notes.append("not finished: it is still coming, or broke off")
    return made


def speaker(choice: int) -> str:
    return f"assistant, choice {choice + 1}" if choice else "assistant"
