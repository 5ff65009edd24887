"""Make a request fit its upstream and model: the right parameters, and none that would be refused.

The order matters and is this: the IDE's wish to think, in the model's own words;
the IDE's other fields, less what the upstream refuses, renamed; defaults for
what is missing; what always wins; limits; and last messages and tools, touched
only where they hold something that the upstream cannot read.
"""

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from idetour.errors import BadRequest
from idetour.profile import NOTHING, Fields, KnownModel, Manners, Model
from idetour.upstreams import history, thinking
from idetour.upstreams.changes import OURS, Changes
from idetour.wire import raw

CONTENT_PARTS = re.compile(rb'"content"\s*:\s*\[')
DEVELOPER = re.compile(rb'"role"\s*:\s*"developer"')
CACHED = re.compile(rb'"cache_control"\s*:')
AUTO, NONE = Raw(b'"auto"'), Raw(b'"none"')
STRICT = re.compile(rb'"(?:strict|\$schema)"\s*:')

type RawFields = dict[str, Raw]
type Rewrite = Callable[[list[RawFields]], list[RawFields]]


def adapt(
    asked: Mapping[str, Raw],
    *,
    manners: Manners,
    model_id: str,
    model: Model | None = None,
    known: KnownModel | None = None,
    stream: bool,
    changes: Changes | None = None,
) -> RawFields:
    """The body to send, as top-level fields. `stream` is how the upstream is asked, not the client's wish.

    Only what the IDE says is held to `accepts` and `drop`: a profile that names a field means it.
    `changes` is told of each. Raises BadRequest where messages or tools that have to be changed
    are not what they should be.
    """
    changes = changes or Changes()
    fields = {name: value for name, value in asked.items() if name not in OURS}
    changes.begin(fields)
    switch, words = thinking.switch(fields, known.thinking) if known and known.thinking else ({}, None)
    changes.note(fields | switch, "catalog: thinking")
    fields = welcome(fields, manners)
    changes.note(fields | switch, lambda name: f"{changes.upstream}: {unwelcome(name, manners)}")
    fields = renamed(fields, manners.rename) | switch
    changes.note(fields, lambda name: whose("rename", model, changes, field=name))
    fields = preset(fields, manners=manners, model=model, known=known, changes=changes)
    limit(fields, manners=manners, model=model, known=known, changes=changes)
    fields["messages"], done = messages(asked["messages"], rewrites(asked["messages"], manners), words)
    why = [whose(name, model, changes) for name in done]
    changes.note(fields, ", ".join(why if words is None else [*why, "catalog: thinking"]))
    if "tools" in fields:
        fields["tools"] = tools(fields["tools"], manners)
        changes.note(fields, f"{changes.upstream}: tools")
    fields |= {"model": raw.of(model_id), "stream": raw.of(stream)}
    if stream and manners.usage is not False:
        fields["stream_options"] = raw.of({"include_usage": True})
    changes.note(fields, "")
    return fields


def preset(
    fields: RawFields, *, manners: Manners, model: Model | None, known: KnownModel | None, changes: Changes
) -> RawFields:
    """With the defaults for what is missing, what always wins, and less what the profile does not want."""
    for who, layer in ((model.name if model else "", model), ("catalog", known)):
        for name, value in stated(layer.defaults if layer else NOTHING, manners).items():
            if fields.get(name, raw.NULL) == raw.NULL:
                fields[name] = value
        changes.note(fields, f"{who}: with")
    if model:
        fields |= stated(model.always, manners)
        changes.note(fields, f"{model.name}: always")
        unwanted = model.drop | {manners.rename.get(name, name) for name in model.drop}
        fields = {name: value for name, value in fields.items() if name not in unwanted}
        changes.note(fields, f"{model.name}: drop")
    return fields


def limit(
    fields: RawFields, *, manners: Manners, model: Model | None, known: KnownModel | None, changes: Changes
) -> None:
    """Keep within what the model can do: in its numbers, and in the calls that it can be made to make."""
    clamp(fields, {**output_limits(known), **manners.clamp})
    clamped = functools.partial(whose, "clamp", model, changes)
    changes.note(fields, lambda name: clamped(field=name) if name in manners.clamp else "catalog: output")
    if manners.forced is False:
        free(fields)
        changes.note(fields, whose("forced", model, changes))


def whose(word: str, model: Model | None, changes: Changes, *, field: str = "") -> str:
    """Who has this manner, of a field: the profile's model; or its upstream, with what the catalog knows of both."""
    said = getattr(model.manners, word) if model else None
    own = field in said if isinstance(said, Mapping) else said is not None
    return f"{model.name if model and own else changes.upstream}: {word}"


def welcome(fields: RawFields, manners: Manners) -> RawFields:
    """The fields that the upstream takes, by either of their names."""
    made = {}
    for name, value in fields.items():
        sent = manners.rename.get(name, name)
        if not {name, sent} & manners.drop and (manners.accepts is None or sent in manners.accepts):
            made[name] = value
    return made


def unwelcome(name: str, manners: Manners) -> str:
    """By which of the two words a field is left out."""
    return "drop" if {name, manners.rename.get(name, name)} & manners.drop else "accepts"


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


def rewrites(value: Raw, manners: Manners) -> dict[str, Rewrite]:
    """What has to be done to messages that the upstream would not understand, by the manner that asks for it."""
    made: dict[str, Rewrite] = {}
    if manners.strict_history:
        made["strict_history"] = history.strict
    if manners.developer is False and DEVELOPER.search(value):
        made["developer"] = each(as_system)
    if manners.flatten and CONTENT_PARTS.search(value):
        made["flatten"] = each(flatten)
    if manners.cache_control is False and CACHED.search(value):
        made["cache_control"] = each(uncached)
    return made


def each(change: Callable[[RawFields], None]) -> Rewrite:
    def changed(conversation: list[RawFields]) -> list[RawFields]:
        made = [dict(message) for message in conversation]
        for message in made:
            change(message)
        return made

    return changed


def messages(value: Raw, rewriting: Mapping[str, Rewrite], words: str | None) -> tuple[Raw, list[str]]:
    """The messages, and which of `rewriting` changed them; as they came where none did, and no `words` are to be said."""
    if not rewriting and words is None:
        return value, []
    conversation, done = objects(value, "messages"), []
    for name, rewrite in rewriting.items():
        before, conversation = conversation, rewrite(conversation)
        if conversation != before:
            done.append(name)
    if words is not None:
        conversation = with_words(conversation, words)
    elif not done:
        return value, []
    return raw.of(conversation), done


def objects(value: Raw, name: str) -> list[RawFields]:
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
        parts = objects(content, "messages")
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
    offered = objects(value, "tools")
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
