"""A Messages conversation as Chat messages.

    system, and such turns before others one system message
    turns of role system later           the user's, marked: many templates refuse a second system message
    assistant: text, tool_use            one message: the text, and all its calls
    user: tool_result                    a message of role tool each, right after the calls
    user: text, image, document          one message after them

Chat wants an answer to every call and no answer without one, so a missing
result is said to be missing, and one that nobody asked for becomes text. A tool
can answer in text alone: its pictures follow in the user's message. Thoughts
are left out: their signatures mean nothing to another vendor, and what a model
needs of its own is put back by the gateway.
"""

from collections.abc import Iterable, Iterator

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.messages_names import cut, unwrap
from idetour.wire.places import blocks, joined, members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

PARAGRAPH = rb"\n\n"  # between blocks, as JSON writes it
NO_RESULT = "(no result)"
NO_OUTPUT = "(no output)"
# Blocks of an answer that say nothing to another model: thoughts, and what Anthropic's servers did.
_SILENT = ("thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use", "container_upload", "fallback")
_CHATS = ("image_url", "file", "input_audio")  # parts of Chat, which some clients put among the blocks
SYSTEM, TEXT, MARK = Raw(b'"system"'), Raw(b'"text"'), Raw(b'"[system]"')
RESULT, MARKED = Raw(b'"tool_result"'), "cache_control"


def translate(fields: Fields) -> list[Fields]:
    """`system` and `messages` as Chat messages. Raises BadRequest, which names the place.

    A message that holds a mark for the cache has it as its own member MARKED.
    """
    said = blocks(fields.get("system", raw.NULL), "system")
    messages = [*enumerate(objects(fields.get("messages", raw.NULL), "messages"))]
    while messages and messages[0][1].get("role") == SYSTEM:
        number, message = messages.pop(0)
        said += blocks(message.get("content", raw.NULL), f"messages[{number}].content")
    made = _system(said)
    if not messages:
        wrong("messages", "is empty: there is nothing to answer")
    calls: list[str] = []  # of the assistant's last turn, not answered yet
    for role, placed in _turns(messages):
        if role == "assistant":
            made += _stubs(calls) + _assistant(placed, calls)
        else:
            made += _user(placed, calls)
    made += _stubs(calls)
    if not made:
        wrong("messages", "says nothing: every content is empty")
    return made


type Said = list[tuple[Fields, str]]  # blocks, each with its place


def _turns(messages: list[tuple[int, Fields]]) -> Iterator[tuple[str, Said]]:
    """Roles and what was said, neighbours of one role as one turn: so does Anthropic count them."""
    last, said = "", list[tuple[Fields, str]]()
    for number, message in messages:
        place = f"messages[{number}]"
        role = word(message, "role", place)
        if role not in ("user", "assistant", "system"):
            wrong(f"{place}.role", f"must be user or assistant, not {role!r}")
        content = f"{place}.content"
        found = blocks(message.get("content", raw.NULL), content)
        if role == "system":
            role, found = "user", [{"type": TEXT, "text": MARK}, *found]
        placed = [(block, f"{content}[{at}]") for at, block in enumerate(found)]
        if role != last:
            if last:
                yield last, said
            last, said = role, []
        said += placed
    if last:
        yield last, said


def _system(found: list[Fields]) -> list[Fields]:
    texts = [
        text(block, "text", "system") for block in found if not raw.blank(block.get("text", raw.EMPTY_TEXT))
    ]
    return [_message("system", joined(texts, PARAGRAPH), **_mark(found))] if texts else []


def _stubs(calls: list[str]) -> list[Fields]:
    """For calls that nobody answered; upstreams refuse a conversation that leaves one open."""
    made = [_message("tool", raw.of(NO_RESULT), tool_call_id=raw.of(id)) for id in calls]
    calls.clear()
    return made


def _assistant(said: Said, calls: list[str]) -> list[Fields]:
    texts, made = [], []
    for block, place in said:
        kind = word(block, "type", place)
        if kind == "text":
            texts.append(text(block, "text", place))
        elif kind == "compaction":
            texts += [block["content"]] if raw.is_text(block.get("content", raw.NULL)) else []
        elif kind == "tool_use":
            calls.append(unwrap(word(block, "id", place)))
            made.append({"id": raw.of(calls[-1]), "type": "function", "function": _call(block, place)})
        elif kind not in _SILENT and not kind.endswith("_tool_result"):
            wrong(f"{place}.type", f"{kind!r} cannot be said to this upstream")
    whole, mark = joined(texts), _mark(block for block, _ in said)
    if not made:
        return [] if raw.blank(whole) else [_message("assistant", whole, **mark)]
    content = raw.NULL if raw.blank(whole) else whole
    return [_message("assistant", content, tool_calls=raw.of(made), **mark)]


def _call(block: Fields, place: str) -> Fields:
    """Name and arguments: the input's own bytes, for some upstreams compare what they said before."""
    given = block.get("input", raw.EMPTY_OBJECT)
    inside = members(given, f"{place}.input")
    arguments = inside.get("_raw", raw.NULL) if inside.keys() == {"_raw"} else raw.NULL
    if not raw.is_text(arguments):  # `_raw` is where `anthropic_turns` puts what is no JSON object
        arguments = raw.of(bytes(given).decode())
    return {"name": raw.of(cut(word(block, "name", place))), "arguments": arguments}


def _user(said: Said, calls: list[str]) -> list[Fields]:
    """Results first, whatever their order, then all else."""
    results, parts = [], []
    mark = _mark(block for block, _ in said if block.get("type") != RESULT)
    for block, place in said:
        kind = word(block, "type", place)
        if kind != "tool_result":
            parts += part(block, place)
            continue
        id = unwrap(word(block, "tool_use_id", place))
        texts, shown = _result(block, place)
        if id in calls:
            calls.remove(id)
            answer = joined(texts, PARAGRAPH) if texts else raw.of(NO_OUTPUT)
            results.append(_message("tool", answer, tool_call_id=raw.of(id), **_mark([block])))
        else:
            parts += [_text(f"Result of the tool call {id}:"), *(_part(each) for each in texts)]
        if shown:
            parts += [_text(f"Image from the result of the tool call {id}:"), *shown]
    return results + _stubs(calls) + ([_message("user", _content(parts), **mark)] if parts else [])


def _result(block: Fields, place: str) -> tuple[list[Raw], list[dict[str, object]]]:
    """The texts of a result, and what is no text."""
    texts: list[Raw] = []
    shown: list[dict[str, object]] = []
    inside = f"{place}.content"
    for number, each in enumerate(blocks(block.get("content", raw.NULL), inside)):
        for found in part(each, f"{inside}[{number}]"):
            if isinstance(words := found.get("text"), Raw):
                texts.append(words)
            else:
                shown.append(found)
    if block.get("is_error") == Raw(b"true"):
        texts = [joined([raw.of("ERROR: "), *texts[:1]]), *texts[1:]]
    if shown:
        texts.append(raw.of("[image in the next message]"))
    return texts, shown


def part(block: Fields, place: str) -> list[dict[str, object]]:
    """A block as parts of a Chat content; a text that is empty gives none. Raises BadRequest."""
    kind = word(block, "type", place)
    if kind == "text":
        said = text(block, "text", place)
        return [] if raw.blank(said) else [_part(said)]
    if kind == "image":
        return [{"type": "image_url", "image_url": {"url": _url(block, place)}}]
    if kind == "document":
        return _document(block, place)
    if kind == "search_result":
        title = _text(
            f"{string(block.get('title', raw.NULL))}\n{string(block.get('source', raw.NULL))}".strip()
        )
        inside = blocks(block.get("content", raw.NULL), f"{place}.content")
        return [title, *(each for found in inside for each in part(found, f"{place}.content"))]
    if kind in _CHATS:
        return [dict(block)]
    if kind == "tool_reference":
        return [_text(f"The tool {word(block, 'tool_name', place)} can be called now.")]
    wrong(f"{place}.type", f"{kind!r} cannot be sent to this upstream")


def _url(block: Fields, place: str) -> Raw:
    """Where a picture is: an address, or the picture itself as a data URL."""
    source = members(block.get("source", raw.NULL), f"{place}.source")
    kind = word(source, "type", f"{place}.source")
    if kind == "url":
        return text(source, "url", f"{place}.source")
    if kind != "base64":
        wrong(f"{place}.source.type", f"{kind!r} is known to Anthropic alone: send the data itself")
    media, data = (text(source, name, f"{place}.source") for name in ("media_type", "data"))
    return joined([raw.of("data:"), media, raw.of(";base64,"), data])


def _document(block: Fields, place: str) -> list[dict[str, object]]:
    """Text as text, under its title; a PDF as a file."""
    source = members(block.get("source", raw.NULL), f"{place}.source")
    kind = word(source, "type", f"{place}.source")
    title = string(block.get("title", raw.NULL))
    head = [_text(said)] if (said := f"{title}\n{string(block.get('context', raw.NULL))}".strip()) else []
    if kind == "text":
        return [*head, _part(text(source, "data", f"{place}.source"))]
    if kind == "content":
        inside = blocks(source.get("content", raw.NULL), f"{place}.source.content")
        return head + [each for found in inside for each in part(found, f"{place}.source.content")]
    if kind == "base64":
        file = {"filename": title or "document.pdf", "file_data": _url(block, place)}
        return [{"type": "file", "file": file}]
    wrong(f"{place}.source.type", f"{kind!r} cannot be sent to this upstream: send the document itself")


def _text(said: str) -> dict[str, object]:
    return _part(raw.of(said))


def _part(words: Raw) -> dict[str, object]:
    return {"type": "text", "text": words}


def _content(parts: list[dict[str, object]]) -> Raw:
    """A plain string where there is nothing but text: every server takes that."""
    texts = [words for each in parts if isinstance(words := each.get("text"), Raw)]
    return joined(texts, PARAGRAPH) if len(texts) == len(parts) else raw.of(parts)


def _mark(found: Iterable[Fields]) -> Fields:
    """What is to be cached up to here, if one of the blocks says so: the last of them."""
    marks = [block[MARKED] for block in found if raw.kind(block.get(MARKED, raw.NULL)) == b"{"]
    return {MARKED: marks[-1]} if marks else {}


def _message(role: str, content: Raw, **more: Raw) -> Fields:
    return {"role": raw.of(role), "content": content} | more
