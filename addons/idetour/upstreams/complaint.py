"""An upstream says what it does not take: from its words to what is done about it.

Each provider says it in its own way. So the names that a sentence mentions are
held against the body that was sent: only what is in there can be meant, and only
what changes the body can help. What a request is about is never taken out of it.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from idetour.upstreams import history
from idetour.upstreams.quirk import Quirk, apply, forces
from idetour.wire import raw
from idetour.wire.fault import Fault

type Path = tuple[str, ...]  # names from the body down to a member; lists are passed through

MOST_NAMED = 8  # fields that one complaint may name
LONGEST = 2000  # characters of a complaint that are read: patterns take their time over more
MOST_PARTS = 12  # names on the way to one field: each may be passed over, so more would be too many ways
MOST_LOOSE = 20  # words of it that are looked for in the body

# Without these another question would be asked, or the client could not read the answer.
ESSENTIAL = frozenset({
    "model", "messages", "stream", "tools", "functions", "response_format",
    "input", "instructions", "system", "prompt", "text", "format", "output_config",
})  # fmt: skip
# Below those: names whose loss changes what is said. All other members of a message or a tool are trimmings,
SAID = frozenset({
    "role", "content", "type", "text", "tool_calls", "tool_call_id", "tool_use_id", "function", "arguments",
    "input", "image_url", "url", "input_audio", "file", "file_data", "source", "data", "media_type", "format",
    "name", "id", "parameters", "input_schema", "schema", "description", "thinking", "signature", "is_error",
})  # fmt: skip
TRIMMINGS = (("messages", "name"), ("messages", "id"))  # and so are these.
SCHEMAS = ("parameters", "input_schema", "schema")  # below them nothing but `$schema` is a trimming

# Where a name is looked for that is no field of the body itself.
INSIDE = (
    ("messages",),
    ("messages", "content"),
    ("messages", "tool_calls"),
    ("tools", "function"),
    ("tools",),
)

NAME = r"[A-Za-z_$][\w$]*(?:(?:\.|\[)[\w$]+\]?)*"
NUMBER = r"`?(-?\d+(?:,\d{3})*(?:\.\d+)?)"

WANTED_BACK = re.compile(
    r"reasoning_content.{0,60}(?:passed back|missing|required|provided|必须)", re.I | re.S
)
STREAM_ONLY = re.compile(
    r"non-?streaming calls|only supports? stream|streaming (?:mode )?is required|stream\W{0,2} must be (?:set to )?true",
    re.I,
)
WHOLE_ONLY = re.compile(
    r"\bstream(?:ing)?\b\W{0,2}\s(?:mode |responses? )?(?:is |are )?(?:currently )?not (?:supported|available|allowed|enabled)"
    r"|not support (?:true for )?stream(?:ing)?\b|\bstream\b\W{0,2} does not support true|\bto stream this model"
    r"|\bstream\b\W{0,2} must be (?:set to )?false",
    re.I,
)
# How OpenAI, Anthropic and Google say that thoughts were not sealed by them, or that a letter of them is missing.
UNREADABLE = re.compile(
    r"encrypted.content\b.*(?:could not|cannot|can't|failed to|did not).{0,20}(?:verif|decrypt|pars|match)"
    r"|invalid.encrypted.content|invalid\W+(?:signature|data)\W+in\W+(?:redacted_)?thinking"
    r"|thinking\b.{0,40}\bblocks.{0,60}cannot be modified|thought.signature is not valid|(?:invalid|corrupted) thought.signature",
    re.I | re.S,
)
UNSIGNED = re.compile(r"missing a\W+thought_signature", re.I)  # Gemini, of calls that it did not make
THOUGHTLESS = re.compile(r"does not support thinking", re.I)  # Ollama, which names the model instead
DEVELOPER = re.compile(r"developer|(?:unexpected|unknown|invalid|unsupported) (?:message )?role", re.I)
TEXT_ONLY = re.compile(r"content.{0,40}(?:must|should) be a (?:valid )?string|expected a string", re.I | re.S)
FREE_CHOICE = re.compile(
    r"tool.?choice.*(?:not|only|unsupported|thinking)|(?:not|thinking).*tool.?choice", re.I | re.S
)
INSTEAD = re.compile(r"use\W+(\w+)\W+instead", re.I)
NOT_BOTH = re.compile(r"(\w+)\W+and\W+(\w+)\W.{0,30}(?:cannot|can't|must not) (?:both )?be", re.I)
REFUSED = re.compile(
    r"unsupported|not support|n't support|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields)"
    r"|extra.forbidden|extraneous|not (?:permitted|allowed|accepted|available)|only the default|(?:not |in)compatible"
    r"|cannot (?:both )?be (?:used|set|specified)|cannot find field|不支持",
    re.I,
)
ONLY = re.compile(
    r"(?:only(?: be set to)?|must be(?: set to)?) (true|false|-?\d+(?:\.\d+)?)\b(?!,? ?(?:and|to|or)\b|\.\d)",
    re.I,
)
LISTED = re.compile(
    r"(?:values are|one of|input should be|(?:allowed|valid) values(?: are)?)\W*?"
    r"((?:['\"`][\w.-]+['\"`][, ]*(?:and |or )?)+)",
    re.I,
)
RANGE = re.compile(rf"([\[(])\s*{NUMBER}\s*,\s*{NUMBER}\s*([\])])", re.I)
BETWEEN = re.compile(rf"between {NUMBER} and {NUMBER}", re.I)
HIGHEST = re.compile(
    r"(?:at most|up to|<=|≤|less than or equal to|not (?:be )?(?:greater|larger|more|higher) than|not exceed"
    rf"|maximum(?: allowed)?(?: value)?(?: is| of|:)|\d+ >)\s*{NUMBER}",
    re.I,
)
LOWEST = re.compile(
    rf"(?:at least|>=|≥|greater than or equal to|not (?:be )?(?:less|lower|smaller) than)\s*{NUMBER}", re.I
)

THIS_TIME = re.compile(r"your (?:request|prompt|input|messages)|(?:prompt|input) tokens|afford", re.I)

# Ways to name several fields at once, or where one stands; then all that may be the name of one, in any sentence.
PLACED = tuple(
    re.compile(pattern, re.I | re.A)
    for pattern in (
        r"""['"]loc['"]:\s*[\[(](?P<name>[^\])]*)[\])]""",  # pydantic
        rf"(?P<name>(?:{NAME} -> )*{NAME})[:\s]\s*Extra inputs",  # pydantic, told by FastAPI, Anthropic, NIM
        r"""unknown name ["'](?P<name>[\w$]+)["'] at ["'](?P<at>[^"']+)["']""",  # Google
        rf":\s*(?P<name>{NAME}(?:,\s*{NAME})*)\.?\s*$",  # "Unsupported parameter(s): …"
    )
)
LOOSE = re.compile(
    rf"""['"`\[]({NAME})['"`\]]|parameter[.:]? ?(\w+)|^(?:invalid )?({NAME})(?=[: ])|\b(\w*_\w+)\b|(\w+) should""",
    re.I | re.A,
)


def read(said: Fault, sent: bytes) -> list[Quirk]:
    """What to do about a complaint, given the body that it is about; nothing where nothing helps."""
    try:
        body, fields = msgspec.json.decode(sent), raw.fields(sent)
    except (ValueError, RecursionError):
        return []
    said = said._replace(message=said.message[:LONGEST])
    words = " ".join(filter(None, (said.message, (said.code or "").replace("_", " "))))
    if manner := _manner(words, body):
        return [manner]
    if UNSIGNED.search(words):
        return [each for each in [Quirk("sign", "messages.thought_signature")] if apply(fields, each)]
    if history.COMPLAINT.search(words) and history.lacking(fields.get("messages", raw.NULL)):
        return [Quirk("manner", "strict_history", True)]
    if "think" in body and THOUGHTLESS.search(words):
        return [Quirk("drop", "think")]
    if forces(body.get("tool_choice")) and FREE_CHOICE.search(words):
        messages = isinstance(body["tool_choice"], dict) and "function" not in body["tool_choice"]
        return [Quirk("set", "tool_choice", {"type": "auto"} if messages else "auto")]
    made = [_quirk(words, path, body) for path in _named(said, words, body)]
    return [each for each in made[:MOST_NAMED] if each and apply(dict(fields), each)]


def of_seals(said: Fault) -> bool:
    """Whether it is about thoughts that the upstream cannot read, because they are not its own."""
    return bool(UNREADABLE.search(f"{said.code} {said.message[:LONGEST]}"))


def mentions(said: Fault, field: str) -> bool:
    """Whether a complaint is about this field, or manner."""
    names = {"replay": "reasoning_content", "flatten": "content"}
    return names.get(field, field.rpartition(".")[2]).lower() in f"{said.message} {said.param}".lower()


def _manner(words: str, body: dict[str, Any]) -> Quirk | None:
    """What has to be decided before the body is made."""
    if WANTED_BACK.search(words):
        return Quirk("manner", "replay", True)
    if not body.get("stream") and STREAM_ONLY.search(words):
        return Quirk("manner", "stream", "only")
    if body.get("stream") and WHOLE_ONLY.search(words):
        return Quirk("manner", "stream", "never")
    messages = [each for each in body.get("messages") or () if isinstance(each, dict)]
    if DEVELOPER.search(words) and any(each.get("role") == "developer" for each in messages):
        return Quirk("manner", "developer", False)
    if TEXT_ONLY.search(words) and any(isinstance(each.get("content"), list) for each in messages):
        return Quirk("manner", "flatten", True)
    return None


def _quirk(words: str, path: Path, body: dict[str, Any]) -> Quirk | None:
    """What to do about one field that is named."""
    name, value = ".".join(path), body.get(path[0]) if len(path) == 1 else None
    if len(path) == 1 and (found := INSTEAD.search(words)) and found[1] not in (name, *body):
        return Quirk("rename", name, found[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and (bounds := _bounds(words)):
        return None if THIS_TIME.search(words) else Quirk("clamp", name, bounds)
    if value is not None and (found := ONLY.search(words)) and "default" not in words:
        return Quirk("set", name, msgspec.json.decode(found[1].lower()))
    if isinstance(value, str) and (found := LISTED.search(words)):
        return Quirk("allow", name, re.findall(r"[\w.-]+", re.sub(r"\b(?:and|or)\b(?!['\"`])", "", found[1])))
    return Quirk("drop", name) if REFUSED.search(words) else None


def _bounds(words: str) -> list[float | None] | None:
    """[lowest, highest] as far as they are said; an end that is itself excluded is moved inwards."""
    if found := RANGE.search(words):
        low, high = number(found[2]), number(found[3])
        inwards = 0.01 if isinstance(low, float) or isinstance(high, float) else 1
        return [round(low + inwards * (found[1] == "("), 2), round(high - inwards * (found[4] == ")"), 2)]
    if found := BETWEEN.search(words):
        return [number(found[1]), number(found[2])]
    low_, high_ = LOWEST.search(words), HIGHEST.search(words)
    return [low_ and number(low_[1]), high_ and number(high_[1])] if low_ or high_ else None


def number(digits: str) -> int | float:
    plain = digits.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def _named(said: Fault, words: str, body: dict[str, Any]) -> list[Path]:
    """The fields of the body that a complaint is about, less those that it cannot do without."""
    if said.param and (path := _resolved(said.param, words, body)):
        return [path]
    if both := NOT_BOTH.search(words):
        return [path for path in [_resolved(both[2], words, body)] if path]
    for pattern in PLACED:
        at = [(found.groupdict().get("at") or "", found["name"]) for found in pattern.finditer(said.message)]
        spelled = [f"{place}.{each}" for place, names in at for each in _split(names)]
        if paths := [path for each in spelled if (path := _resolved(each, words, body))]:
            return list(dict.fromkeys(paths))
    spelled = [name for found in LOOSE.finditer(said.message) for name in found.groups() if name]
    return [path for each in spelled[:MOST_LOOSE] if (path := _resolved(each, words, body))][:1]


def _split(names: str) -> list[str]:
    """`a, b` are two names; `'body', 'a'` and `body -> a` are the way to one."""
    return [names] if "->" in names or "'" in names or '"' in names else names.split(",")


def _resolved(name: str, words: str, body: dict[str, Any]) -> Path | None:
    """Where in the body it is, however it is spelled; None for what is not there or has to be."""
    parts = re.findall(r"[\w$]+", name, re.A)[:MOST_PARTS]
    ways = [parts, [snake(part) for part in parts]]
    if len(parts) == 1:
        inside = [[*prefix, parts[0]] for prefix in INSIDE]
        ways = [*inside, *ways] if re.search(r"messages\W\d", words) else [*ways, *inside]
    for way in ways:
        path = _placed(body, way)
        if path and path[-1] == "type" and path[0] not in ESSENTIAL:
            path = path[:1]  # less its type, it would be nothing that anybody knows
        if path and expendable(path):
            return path
    return None


def _placed(value: Any, parts: Sequence[str]) -> Path | None:
    """The names among `parts` that lead somewhere in `value`. Numbers, and tags that validators add, are passed over."""
    if not parts:
        return ()
    first, *rest = parts
    if isinstance(value, list):
        inner = rest if first.isdigit() else parts
        items = (item for item in value if isinstance(item, dict))
        return next((found for item in items if (found := _placed(item, inner)) is not None), None)
    if value == first and not rest:
        return ()  # "thinking.type.enabled" names a value
    if isinstance(value, dict) and first in value and (found := _placed(value[first], rest)) is not None:
        return (first, *found)
    return _placed(value, rest) if rest else None


def expendable(path: Path) -> bool:
    """Whether the request would still say the same without it."""
    if path[0] not in ESSENTIAL or path in TRIMMINGS:
        return True
    if any(name in SCHEMAS for name in path[:-1]):
        return path[-1] == "$schema"
    return len(path) > 1 and path[-1] not in SAID


def snake(name: str) -> str:
    """`presencePenalty`, `Temperature` → as Chat spells it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
