"""JSON that is looked at without being parsed.

`msgspec.Raw` holds a value as the bytes it came in. Here is what can be told
from those bytes alone, and how bytes that are not quite JSON are mended.
"""

import re
from typing import Any

import msgspec
from msgspec import Raw

type Fields = dict[str, Raw]  # the members of an object

NULL = Raw(b"null")
EMPTY_TEXT = Raw(b'""')
EMPTY_LIST = Raw(b"[]")
EMPTY_OBJECT = Raw(b"{}")
NOTHING = (NULL, EMPTY_TEXT, EMPTY_LIST, EMPTY_OBJECT, Raw(b"false"), Raw(b"0"))

# One half of a surrogate pair: JavaScript writes it when it cuts a text inside an emoji.
_HALF = re.compile(
    rb"""\\(?<!\\\\)((?:\\\\)*)                            # the first of an odd number of backslashes: quick to find
    (?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})     # a whole pair stays
    |(u[dD][89a-fA-F][0-9a-fA-F]{2}))""",
    re.VERBOSE,
)
_MASKED = re.compile(rb"\x7f(u[dD][89a-fA-F][0-9a-fA-F]{2})")
_object = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.Encoder().encode


def kind(raw: Raw) -> bytes:
    """The first byte of a value tells what it is. Nothing is copied: it may be megabytes."""
    return bytes(memoryview(raw)[:1])


def blank(raw: Raw) -> bool:
    """Whether the value says nothing: null, "", [], {}, false, 0. Upstreams use them all for "absent"."""
    if raw in NOTHING:
        return True
    inside = bytes(memoryview(raw)[1:64]).lstrip()
    return kind(raw) in (b"[", b"{") and inside[:1] in (b"]", b"}")


def is_text(raw: Raw) -> bool:
    return kind(raw) == b'"'


def has_text(raw: Raw) -> bool:
    """Whether the value is a string that is not empty."""
    return is_text(raw) and raw != EMPTY_TEXT


def encode(value: object) -> bytes:
    """The value as JSON. Whatever is Raw inside it stays as it is, and what was masked comes back."""
    body = _encode(value)
    return body if body.find(b"\x7f") < 0 else _MASKED.sub(rb"\\\1", body)


def line(value: object) -> bytes:
    """The same on one line: what an upstream's JSON has of line ends between its members becomes blanks."""
    return encode(value).replace(b"\n", b" ").replace(b"\r", b" ")


def of(value: object) -> Raw:
    return Raw(encode(value))


def part(value: object) -> Raw:
    """The value as JSON, to go into another: what was masked stays so until the whole is encoded."""
    return Raw(_encode(value))


def value(said: bytes | Raw) -> Any:
    """What an upstream's JSON says; None for what Python cannot hold, such as 1e999."""
    try:
        return msgspec.json.decode(said)
    except (ValueError, RecursionError):
        return None


def fields(body: bytes | Raw) -> dict[str, Raw]:
    """The members of an object, unparsed. Raises ValueError for anything else."""
    try:
        return _object.decode(body)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def items(body: bytes | Raw) -> list[Raw]:
    """The items of a list, unparsed. Raises ValueError for anything else."""
    try:
        return _items.decode(body)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def utf8(body: bytes) -> bytes:
    """With U+FFFD in the place of bytes that are no UTF-8."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def mended(body: bytes) -> bytes:
    """With U+FFFD in the place of halves of surrogate pairs, which msgspec refuses."""
    return _HALF.sub(lambda half: half[1] + b"\\" + (half[2] or b"ufffd"), body)


def masked(body: bytes) -> bytes:
    """With such halves hidden from msgspec, until `encode`: the other half may come in the next event."""
    return _HALF.sub(lambda half: half[1] + (b"\\" + half[2] if half[2] else b"\x7f" + half[3]), body)
