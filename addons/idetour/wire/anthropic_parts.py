"""Parts of a Chat content as Anthropic's content blocks."""

import base64
import re
from urllib.parse import unquote_to_bytes

from msgspec import Raw

from idetour.wire import raw
from idetour.wire.places import members, objects, text, word, wrong
from idetour.wire.raw import Fields
from idetour.wire.turns import string

PICTURES = ("image/jpeg", "image/png", "image/gif", "image/webp")  # all that Anthropic looks at
_DATA = re.compile(r"data:(?P<media>[^;,]*)(?P<options>[^,]*),", re.IGNORECASE)


def blocks(content: Raw, place: str) -> list[dict[str, object]]:
    """A string, a list of parts or null. Text of nothing but space is left out: Anthropic refuses it. Raises BadRequest."""
    if content == raw.NULL:
        return []
    if raw.is_text(content):
        return _said(content)
    if raw.kind(content) != b"[":
        wrong(place, "must be a string or a list of parts")
    parts = objects(content, place)
    return [block for number, part in enumerate(parts) for block in _part(part, f"{place}[{number}]")]


def _said(words: Raw) -> list[dict[str, object]]:
    return [{"type": "text", "text": words}] if not blank(words) else []


def blank(words: Raw) -> bool:
    """Whether a text is nothing but space."""
    return len(memoryview(words)) < 200 and not string(words).strip()


def _part(part: Fields, place: str) -> list[dict[str, object]]:
    kind = word(part, "type", place)
    if kind in ("text", "input_text", "output_text", "refusal"):
        made = _said(text(part, "refusal" if kind == "refusal" else "text", place))
    elif kind in ("image_url", "input_image"):
        made = [{"type": "image", "source": _picture(part.get("image_url", raw.NULL), f"{place}.image_url")}]
    elif kind in ("file", "input_file"):
        made = [_file(members(part["file"], f"{place}.file") if "file" in part else part, f"{place}.file")]
    else:
        wrong(f"{place}.type", f"{kind!r} cannot be sent to Anthropic")
    if "cache_control" in part and made:
        made[-1]["cache_control"] = part["cache_control"]  # Anthropic's own word, which some IDEs send to all
    return made


def _picture(value: Raw, place: str) -> dict[str, object]:
    """`{"url": …}` or the URL alone: an address, or the picture itself."""
    url = value if raw.is_text(value) else text(members(value, place), "url", place)
    if string(Raw(bytes(url)[:16].rstrip(b'\\"') + b'"')).lower().startswith("data:"):
        return _data(url, place, PICTURES)
    if not string(url).lower().startswith(("http://", "https://")):
        wrong(place, "must be a data URL or begin with https://")
    return {"type": "url", "url": url}


def _data(url: Raw, place: str, allowed: tuple[str, ...]) -> dict[str, object]:
    """What a data URL holds, as base64. One that is percent-encoded is encoded anew."""
    said = string(url)
    found = _DATA.match(said)
    if not found:
        wrong(place, "is no data URL: it has no comma")
    media = found["media"].lower().replace("image/jpg", "image/jpeg")
    if media not in allowed:
        wrong(place, f"holds {media or 'no type'}; Anthropic takes {', '.join(allowed)}")
    data = said[found.end() :]
    if not found["options"].lower().endswith(";base64"):
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return {"type": "base64", "media_type": media, "data": data}


def _file(file: Fields, place: str) -> dict[str, object]:
    """A PDF that came along. A file id belongs to the server that issued it."""
    if not raw.is_text(file.get("file_data", raw.NULL)):
        wrong(place, "must hold `file_data`: Anthropic does not know the ids of OpenAI's files")
    source = _data(file["file_data"], f"{place}.file_data", ("application/pdf",))
    name = file.get("filename", raw.NULL)
    return {"type": "document", "source": source} | ({"title": name} if raw.is_text(name) else {})
