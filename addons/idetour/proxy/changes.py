"""What idetour changed in a request on its way: fields set, dropped and clamped, in a few words each."""

from idetour.proxy.parts import decoded, size
from idetour.wire import raw
from idetour.wire.raw import Fields

LONGEST = 60  # bytes of a value that is shown


def changes(asked: bytes, sent: bytes) -> list[str]:
    """The differences between two bodies of one protocol; nothing where they cannot be compared."""
    try:
        before, after = decoded(asked, raw.fields), decoded(sent, raw.fields)
    except ValueError:
        return []
    if protocol(before) != protocol(after):
        return []
    told = []
    for name in (*after, *(name for name in before if name not in after)):
        if name not in before:
            told.append(f"{name} {shown(after, name)} added")
        elif name not in after:
            told.append(f"{name} dropped")
        elif before[name] != after[name]:
            told.append(f"{name} {shown(before, name)} → {shown(after, name)}")
    return told


def protocol(fields: Fields) -> tuple[bool, ...]:
    """What tells bodies of the three protocols apart, roughly: a system prompt of its own, items, reach of messages."""
    return tuple(name in fields for name in ("system", "input", "messages"))


def shown(fields: Fields, name: str) -> str:
    value = bytes(fields[name])
    return value.decode("utf-8", "replace") if len(value) <= LONGEST else f"({size(len(value))})"
