"""Make a request fit its upstream and model: the right parameters, and none that would be refused.

The order matters and is this: the IDE's wish to think, in the model's own words;
the IDE's other fields, less what the upstream refuses, renamed; defaults for
what is missing; what always wins; limits; and last messages and tools, touched
only where they hold something that the upstream cannot read.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.profile import NOTHING, Fields, KnownModel, Manners, Model
from idetour.upstreams import history, thinking
from idetour.wire import raw

CONTENT_PARTS = re.compile(rb'"content"\s*:\s*\[')
DEVELOPER = re.compile(rb'"role"\s*:\s*"developer"')
CACHED = re.compile(rb'"cache_control"\s*:')
AUTO, NONE = Raw(b'"auto"'), Raw(b'"none"')
STRICT = re.compile(rb'"(?:strict|\$schema)"\s*:')
OURS = ("stream", "stream_options")  # how the upstream is asked is not the client's to say

type RawFields = dict[str, Raw]


def adapt(
    asked: Mapping[str, Raw],
    *,
    manners: Manners,
    model_id: str,
    model: Model | None = None,
    known: KnownModel | None = None,
    stream: bool,
) -> RawFields:
    """The body to send, as top-level fields. `stream` is how the upstream is asked, not the client's wish.

    Only what the IDE says is held to `accepts` and `drop`: a profile that names a field means it.
    Raises BadRequest where messages or tools that have to be changed are not what they should be.
    """
    fields = {name: value for name, value in asked.items() if name not in OURS}
    switch, words = thinking.switch(fields, known.thinking) if known and known.thinking else ({}, None)
    fields = renamed(welcome(fields, manners), manners.rename)
    fields |= switch
    for defaults in (model.defaults if model else NOTHING, known.defaults if known else NOTHING):
        for name, value in stated(defaults, manners).items():
            if fields.get(name, raw.NULL) == raw.NULL:
                fields[name] = value
    if model:
        fields |= stated(model.always, manners)
        unwanted = model.drop | {manners.rename.get(name, name) for name in model.drop}
        fields = {name: value for name, value in fields.items() if name not in unwanted}
    clamp(fields, {**output_limits(known), **manners.clamp})
    if manners.forced is False:
        free(fields)
    fields["messages"] = messages(asked["messages"], manners, words)
    if "tools" in fields:
        fields["tools"] = tools(fields["tools"], manners)
    fields |= {"model": raw.of(model_id), "stream": raw.of(stream)}
    if stream and manners.usage is not False:
        fields["stream_options"] = raw.of({"include_usage": True})
    return fields


def welcome(fields: RawFields, manners: Manners) -> RawFields:
    """The fields that the upstream takes, by either of their names."""
    made = {}
    for name, value in fields.items():
        sent = manners.rename.get(name, name)
        if not {name, sent} & manners.drop and (manners.accepts is None or sent in manners.accepts):
            made[name] = value
    return made


def renamed(fields: RawFields, names: Mapping[str, str]) -> RawFields:
    """The fields under the upstream's names. What has its right name already wins over what only gets it."""
    made = {name: value for name, value in fields.items() if name not in names}
    for name, value in fields.items():
        if name in names and made.get(names[name], raw.NULL) == raw.NULL:
            made[names[name]] = value
    return made


def stated(fields: Fields, manners: Manners) -> RawFields:
    """What a profile or the catalog says, in the upstream's names."""
    return renamed({name: raw.of(value) for name, value in fields.items()}, manners.rename)


def output_limits(known: KnownModel | None) -> dict[str, tuple[float, float]]:
    """More output than the model has is a 400 at many upstreams. Less than one token is the client's own mistake."""
    most = known.output if known else None
    return {name: (-math.inf, most) for name in ("max_tokens", "max_completion_tokens") if most}


def clamp(fields: RawFields, limits: Mapping[str, tuple[float, float]]) -> None:
    """Bring numbers into the range that the model takes; what is no number is left to the upstream."""
    for name, (low, high) in limits.items():
        value = msgspec.json.decode(fields.get(name, raw.NULL))
        if isinstance(value, int | float) and not isinstance(value, bool) and not low <= value <= high:
            limit = low if value < low else high
            fields[name] = raw.of(int(limit) if isinstance(value, int) and limit == int(limit) else limit)


def messages(value: Raw, manners: Manners, words: str | None) -> Raw:
    """The messages; re-written only where the upstream would not understand them, or `words` have to be said."""
    changes: list[Callable[[RawFields], None]] = []
    if manners.developer is False and DEVELOPER.search(value):
        changes.append(as_system)
    if manners.flatten and CONTENT_PARTS.search(value):
        changes.append(flatten)
    if manners.cache_control is False and CACHED.search(value):
        changes.append(uncached)
    if not changes and words is None and not manners.strict_history:
        return value
    conversation = objects("messages", value)
    if manners.strict_history:
        conversation = history.strict(conversation)
    for message in conversation:
        for change in changes:
            change(message)
    return raw.of(conversation if words is None else with_words(conversation, words))


def objects(name: str, value: Raw) -> list[RawFields]:
    """A list of objects whose members stay as they came. Raises BadRequest for anything else."""
    try:
        return msgspec.json.decode(value, type=list[dict[str, Raw]])
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"`{name}` must be a list of objects: {error}", param=name) from None


def as_system(message: RawFields) -> None:
    if message.get("role") == Raw(b'"developer"'):
        message["role"] = Raw(b'"system"')


def flatten(message: RawFields) -> None:
    """Text parts as one string, joined as vLLM joins them; anything that is not only text stays as it is."""
    content = message.get("content", raw.NULL)
    if raw.kind(content) != b"[":
        return
    parts = msgspec.json.decode(content)
    if all(isinstance(part, dict) and part.get("type") == "text" for part in parts):
        message["content"] = raw.of("\n".join(str(part.get("text") or "") for part in parts))


def with_words(conversation: list[RawFields], words: str) -> list[RawFields]:
    """`words` at the beginning of the system prompt, which is made if there is none."""
    head = conversation[0] if conversation else {}
    if head.get("role") == Raw(b'"system"'):
        content: Any = msgspec.json.decode(head["content"]) if "content" in head else ""
        if isinstance(content, str):
            return [{**head, "content": raw.of(f"{words}\n{content}")}, *conversation[1:]]
        if isinstance(content, list):
            part = {"type": "text", "text": words}
            return [{**head, "content": raw.of([part, *content])}, *conversation[1:]]
    return [{"role": Raw(b'"system"'), "content": raw.of(words)}, *conversation]


def uncached(holder: RawFields) -> None:
    """A message or a tool without marks of what is to be cached, also on the parts of its content."""
    holder.pop("cache_control", None)
    content = holder.get("content", raw.NULL)
    if raw.kind(content) == b"[" and CACHED.search(content):
        parts = objects("messages", content)
        for part in parts:
            part.pop("cache_control", None)
        holder["content"] = raw.of(parts)


def free(fields: RawFields) -> None:
    """Let a model that thinks choose its tools: while `enable_thinking` holds, DashScope answers a forced choice with 400."""
    thinks = fields.get("enable_thinking") != Raw(b"false") and fields.get("reasoning_effort") != NONE
    if thinks and fields.get("tool_choice", AUTO) not in (AUTO, NONE):
        fields["tool_choice"] = AUTO


def tools(value: Raw, manners: Manners) -> Raw:
    """The tools without what some servers refuse: marks for caching; `strict`, and their schemas' `$schema`."""
    strict = manners.strict_tools is False and STRICT.search(value)
    cached = manners.cache_control is False and CACHED.search(value)
    if not strict and not cached:
        return value
    offered = objects("tools", value)
    for tool in offered:
        if cached:
            uncached(tool)
        if strict and raw.kind(tool.get("function", raw.NULL)) == b"{":
            function = raw.fields(tool["function"])
            function.pop("strict", None)
            if raw.kind(function.get("parameters", raw.NULL)) == b"{":
                schema = raw.fields(function["parameters"])
                schema.pop("$schema", None)
                function["parameters"] = raw.of(schema)
            tool["function"] = raw.of(function)
    return raw.of(offered)
