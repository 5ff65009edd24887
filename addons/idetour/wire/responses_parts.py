"""What one item of a Responses conversation holds, as Chat Completions writes it: texts, pictures, files."""

import msgspec
from msgspec import Raw

from idetour.wire import raw
from idetour.wire.places import joined, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import kind

TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")
ELSEWHERE = Raw(b'"The result is shown in the next message."')
_parts = msgspec.json.Decoder(list[dict[str, Raw]])


def one_text(texts: list[Raw]) -> Raw:
    """Several strings as one, with an empty line between them."""
    return joined(texts, rb"\n\n")


def text(texts: list[Raw]) -> Raw | list[Fields]:
    """One text as a string, which every upstream reads; several as parts."""
    return texts[0] if len(texts) == 1 else [text_part(each) for each in texts]


def text_part(said: Raw) -> Fields:
    return {"type": raw.of("text"), "text": said}


def caption(id: str) -> Fields:
    """What is written over a result that cannot stand in a tool message."""
    return text_part(raw.of(f"Returned by the tool call {id}:"))


def content(value: Raw, place: str) -> Raw | list[Fields]:
    """A message's content: a string, or parts. Raises BadRequest with the place of a part that Chat has no word for."""
    if raw.is_text(value):
        return value
    found = [part(each, f"{place}[{n}]") for n, each in enumerate(content_parts(value, place))]
    if not found:
        return raw.EMPTY_TEXT
    return found[0]["text"] if len(found) == 1 and "text" in found[0] else found


def texts(value: Raw, place: str) -> list[Raw]:
    """The texts of a message that may hold nothing else; what the model refused to say is one."""
    if raw.is_text(value):
        return [value]
    found = []
    for number, each in enumerate(content_parts(value, place)):
        here = f"{place}[{number}]"
        said = text_of(each, "refusal" if kind(each) == "refusal" else "text", here)
        if kind(each) not in (*TEXTS, "refusal"):
            wrong(f"{here}.type", f"is {kind(each)!r}: this message may hold text alone")
        found.append(said)
    return found


def result(value: Raw, place: str) -> tuple[Raw, list[Fields]]:
    """What a tool returned: its text, and the parts that a tool message cannot hold."""
    if raw.kind(value) != b"[":
        return as_text(value), []
    parts = [part(each, f"{place}[{n}]") for n, each in enumerate(content_parts(value, place))]
    said = [each["text"] for each in parts if "text" in each]
    shown = [each for each in parts if "text" not in each]
    return one_text(said) if said else ELSEWHERE if shown else raw.EMPTY_TEXT, shown


def as_text(value: Raw) -> Raw:
    """A string as it is; anything else as the JSON it came in, and nothing as an empty string."""
    if raw.is_text(value):
        return value
    return raw.EMPTY_TEXT if value == raw.NULL else raw.of(bytes(value).decode())


def thoughts(summary: Raw, content: Raw) -> list[Raw]:
    """The words of a reasoning item: what it thought, or else the summary of it."""
    return _words(content) or _words(summary)


def _words(value: Raw) -> list[Raw]:
    return [each["text"] for each in content_parts(value, "input") if raw.is_text(each.get("text", raw.NULL))]


def part(given: Fields, place: str) -> Fields:
    """A part in Chat's words. Those that it has from Chat already stay as they are."""
    match kind(given):
        case "refusal":
            return text_part(text_of(given, "refusal", place))
        case name if name in TEXTS:
            return text_part(text_of(given, "text", place))
        case "input_image":
            return picture(given, place)
        case "input_file":
            return file(given, place)
        case "image_url" | "file" | "input_audio":
            return given
        case other:
            wrong(f"{place}.type", f"is {other!r}, which no upstream can be shown")


def picture(given: Fields, place: str) -> Fields:
    url = given.get("image_url", raw.NULL)
    if not raw.is_text(url):
        wrong(
            f"{place}.image_url",
            "is missing: a picture that was uploaded to OpenAI cannot be shown to another upstream. Send it as a "
            "URL or as `data:image/png;base64,…`",
        )
    shown = {"url": url} | {key: given[key] for key in ("detail",) if raw.is_text(given.get(key, raw.NULL))}
    return {"type": raw.of("image_url"), "image_url": raw.of(shown)}


def file(given: Fields, place: str) -> Fields:
    known = ("file_data", "file_id", "filename")
    held = {key: given[key] for key in known if raw.is_text(given.get(key, raw.NULL))}
    if not held.keys() & {"file_data", "file_id"}:
        wrong(
            f"{place}.file_data",
            "is missing: Chat Completions has no word for the URL of a file. Send its content",
        )
    return {"type": raw.of("file"), "file": raw.of(held)}


def text_of(given: Fields, member: str, place: str) -> Raw:
    said = given.get(member, raw.NULL)
    if not raw.is_text(said) and kind(given) in (*TEXTS, "refusal"):
        wrong(f"{place}.{member}", "must be a string")
    return said


def content_parts(value: Raw, place: str) -> list[Fields]:
    """A list's objects; none for null. Raises BadRequest for anything else."""
    try:
        return _parts.decode(value) if value != raw.NULL else []
    except (ValueError, RecursionError):
        wrong(place, "must be a string or a list of objects")
