"""What a target was found not to take, and what is done about it in each request.

A quirk is learned from an upstream's own words (`complaint.py`). Most are applied
to the body when it is complete, whoever put the field in: the client, a profile or
the catalog. A few are manners, which decide how the body is made.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import msgspec
from msgspec import Raw

from idetour.profile import KnownModel, Manners, Target, Upstream
from idetour.upstreams import history
from idetour.upstreams.adapt import CONTENT_PARTS, DEVELOPER, RawFields, clamp, renamed
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, raw, seals

type Kind = Literal["drop", "rename", "clamp", "set", "allow", "sign", "manner"]

FREE = ("auto", "none")  # a tool_choice that forces nothing


@dataclass(frozen=True, slots=True)
class Quirk:
    """`field` is a name, or a path of names into a field: `messages.name` is that of every message.

    drop     the field is not sent
    rename   it is sent as `value`
    clamp    a number: `value` is [lowest, highest], either may be None
    set      it is sent as `value`, if at all
    allow    `value` lists what may be sent; anything else is not
    sign     calls that another model made are marked as such: Gemini refuses those without a signature
    manner   `field` is a word of Manners, with this value
    """

    kind: Kind
    field: str
    value: Any = None

    def __str__(self) -> str:
        """What it does, in a few words."""
        match self.kind:
            case "rename":
                return f"{self.field} sent as {self.value}"
            case "clamp":
                bounds = zip(("at least", "at most"), self.value, strict=True)
                said = [f"{word} {limit}" for word, limit in bounds if limit is not None]
                return f"{self.field} {' and '.join(said)}"
            case "set":
                value = self.value["type"] if isinstance(self.value, dict) else self.value
                return f"{self.field} set to {shown(value)}"
            case "allow":
                return f"{self.field} only {', '.join(self.value)}"
            case "sign":
                return "calls of other models marked"
            case "manner":
                return "asked for whole" if self.value == "never" else MANNERS[self.field]
            case _:
                return f"{self.field} dropped"


MANNERS = {
    "stream": "asked as a stream",
    "developer": "developer sent as system",
    "flatten": "text parts joined",
    "strict_history": "history put in order",
    "replay": "reasoning put back",
}


def shown(value: object) -> str:
    """A value as YAML writes it on one line; JSON is a part of that."""
    if isinstance(value, str) and re.fullmatch(r"[a-z_-]+", value):
        return value
    return msgspec.json.encode(value).decode().replace(",", ", ")


def taught(
    upstream: Upstream, known: KnownModel | None, quirks: Iterable[Quirk]
) -> tuple[Upstream, KnownModel | None]:
    """The upstream and the model with the manners that were learned over those they have."""
    stated = {quirk.field: quirk.value for quirk in quirks if quirk.kind == "manner"}
    if not stated:
        return upstream, known
    learned = Manners(**stated)
    model = replace(known, manners=learned.over(known.manners)) if known else None
    return replace(upstream, manners=learned.over(upstream.manners)), model


def decides(quirk: Quirk, fields: RawFields) -> bool:
    """Whether a learned manner makes a difference to a request, told by its own fields."""
    if quirk.kind != "manner":
        return False
    messages = fields.get("messages", raw.EMPTY_LIST)
    match quirk.field:
        case "stream":
            return (fields.get("stream") == Raw(b"true")) is (quirk.value == "never")
        case "developer":
            return bool(DEVELOPER.search(messages))
        case "flatten":
            return bool(CONTENT_PARTS.search(messages))
        case "strict_history":
            return history.lacking(messages)
    return False


def applied(outgoing: Outgoing, quirks: Sequence[Quirk]) -> tuple[Outgoing, list[Quirk]]:
    """The request as its target takes it, and which of the quirks changed something."""
    if outgoing.body is None or not quirks:
        return outgoing, []
    fields = raw.fields(outgoing.body)
    used = [each for each in quirks if apply(fields, each)]
    return (replace(outgoing, body=chat.write(fields)) if used else outgoing), used


def apply(fields: RawFields, quirk: Quirk) -> bool:
    """Change the members of a body that is ready to be sent. Whether there was anything to change."""
    name, *inside = quirk.field.split(".")
    before = fields.get(name)
    if before is None:
        return False
    match quirk.kind:
        case "drop" if inside:
            if not re.search(rb'"%b"\s*:' % re.escape(inside[-1].encode()), before):
                return False
            fields[name] = without(before, inside)
        case "drop":
            del fields[name]
        case "rename":
            made = renamed(fields, {name: quirk.value})
            fields.clear()
            fields.update(made)
        case "clamp":
            low, high = quirk.value
            clamp(fields, {name: (-math.inf if low is None else low, math.inf if high is None else high)})
        case "set" if name != "tool_choice" or forces(msgspec.json.decode(before)):
            fields[name] = raw.of(quirk.value)
        case "sign" if raw.kind(before) == b"[":
            fields[name] = seals.signed(before)
        case "allow" if msgspec.json.decode(before) not in quirk.value:
            del fields[name]
    return fields.get(name) != before


def forces(choice: Any) -> bool:
    """Whether a tool_choice, Chat's or Anthropic's, makes the model call something."""
    kind = choice.get("type") if isinstance(choice, dict) else choice
    return kind is not None and kind not in FREE


def without(value: Raw, path: Sequence[str]) -> Raw:
    """An object, or each object of a list, less the member at `path`."""
    if raw.kind(value) == b"[":
        return raw.of([without(item, path) if raw.kind(item) == b"{" else item for item in raw.items(value)])
    if raw.kind(value) != b"{":
        return value
    members = raw.fields(value)
    name, *rest = path
    if name in members and rest:
        members[name] = without(members[name], rest)
    else:
        members.pop(name, None)
    return raw.of(members)


def dropped(names: Iterable[str]) -> list[Quirk]:
    """The paths among the fields that a profile wants dropped."""
    return [Quirk("drop", name) for name in names if "." in name]


def line(target: Target, quirk: Quirk) -> str | None:
    """What says the same in a profile, on one line; None where it has no word for that."""
    match quirk:
        case Quirk("manner", name, value):
            words = f"{name}: {shown(value)}"
        case Quirk("rename", name, value):
            return f"models: {{ NAME: {{ to: {target}, rename: {{ {name}: {value} }} }} }}"
        case Quirk("clamp", name, [low, high]) if high is not None:
            limits = shown([low or 0, high])
            return f"models: {{ NAME: {{ to: {target}, clamp: {{ {name}: {limits} }} }} }}"
        case Quirk("drop", "stream_options"):
            words = "usage: false"  # it is ours to ask for, not the client's
        case Quirk("drop", name) | Quirk("set", "tool_choice" as name):
            return f"models: {{ NAME: {{ to: {target}, drop: [{name}] }} }}"
        case Quirk("set", name, value):
            return f"models: {{ NAME: {{ to: {target}, always: {{ {name}: {shown(value)} }} }} }}"
        case _:
            return None
    return f"upstreams: {{ {target.upstream}: {{ {words} }} }}"


def read(kind: str, field: str, value: str) -> Quirk | None:
    """One that was written down, its value as JSON; None for what this version does not know."""
    if kind not in get_args(Kind.__value__) or (kind == "manner" and field not in MANNERS):
        return None
    try:
        return Quirk(cast("Kind", kind), field, msgspec.json.decode(value))
    except ValueError:
        return None
