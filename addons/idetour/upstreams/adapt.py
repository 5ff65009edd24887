"""Make a request fit its upstream and model: the right parameters, and none that would be refused.

The order matters and is this: the IDE's own fields, less what the upstream
refuses, renamed; the thinking switch; defaults for what is missing; what always
wins; limits; and last the messages, touched only when they hold something that
the upstream cannot read.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from idetour.profile import KnownModel, Model, Upstream
from idetour.upstreams import thinking

CONTENT_PARTS = re.compile(rb'"content"\s*:\s*\[')
DEVELOPER = re.compile(rb'"role"\s*:\s*"developer"')
STRICT = re.compile(rb'"(?:strict|\$schema)"\s*:')

type RawFields = dict[str, Raw]


def adapt(
    asked: Mapping[str, Raw], *, upstream: Upstream, model_id: str, model: Model | None, known: KnownModel | None, stream: bool
) -> RawFields:
    """The body to send, as top-level fields. `stream` is how the upstream is asked, not the client's wish."""
    manners = known.manners.over(upstream.manners) if known else upstream.manners
    fields = {
        manners.rename.get(name, name): value
        for name, value in asked.items()
        if name not in manners.drop and name not in ("stream", "stream_options")
    }
    switch, system = thinking.switch(fields, known.thinking) if known and known.thinking else ({}, None)
    if manners.accepts is not None:
        fields = {name: value for name, value in fields.items() if name in manners.accepts}
    fields |= switch
    for defaults in (model.defaults if model else {}, known.defaults if known else {}):
        for name, value in defaults.items():
            fields.setdefault(name, raw(value))
    if model:
        fields |= {name: raw(value) for name, value in model.always.items()}
        fields = {name: value for name, value in fields.items() if name not in model.drop}
    limits = dict(manners.clamp)
    if known and known.output:
        limits |= {name: (1, known.output) for name in ("max_tokens", "max_completion_tokens") if name not in limits}
    clamp(fields, limits)
    fields["messages"] = messages(fields["messages"], flatten=manners.flatten is True, developer=manners.developer is not False, system=system)
    if manners.strict_tools is False and "tools" in fields and STRICT.search(fields["tools"]):
        fields["tools"] = raw([without_strictness(tool) for tool in msgspec.json.decode(fields["tools"])])
    fields["model"] = raw(model_id)
    fields["stream"] = raw(stream)
    if stream and manners.usage is not False:
        fields["stream_options"] = raw({"include_usage": True})
    return fields


def raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def clamp(fields: RawFields, limits: Mapping[str, tuple[float, float]]) -> None:
    """Bring numbers into the range that the model takes; what is no number is left to the upstream."""
    for name, (low, high) in limits.items():
        if name not in fields:
            continue
        value = msgspec.json.decode(fields[name])
        if isinstance(value, int | float) and not isinstance(value, bool) and not low <= value <= high:
            fields[name] = raw(type(value)(min(max(value, low), high)))


def messages(value: Raw, *, flatten: bool, developer: bool, system: str | None) -> Raw:
    """The messages, re-written only where the upstream would not understand them."""
    bytes_ = bytes(value)
    unreadable = (flatten and CONTENT_PARTS.search(bytes_)) or (not developer and DEVELOPER.search(bytes_))
    if not (unreadable or system):
        return value
    decoded = msgspec.json.decode(value)
    for message in decoded:
        if isinstance(message, dict):
            if not developer and message.get("role") == "developer":
                message["role"] = "system"
            if flatten:
                message["content"] = flat(message.get("content"))
    return raw(with_system(decoded, system) if system else decoded)


def flat(content: Any) -> Any:
    """Text parts as one string; anything that is not only text stays as it is."""
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        return "\n".join(str(part.get("text", "")) for part in content)
    return content


def with_system(decoded: list[Any], system: str) -> list[Any]:
    """`system` as the first words of the system prompt."""
    first = decoded[0] if decoded and isinstance(decoded[0], dict) else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        return [{**first, "content": f"{system}\n{first['content']}"}, *decoded[1:]]
    return [{"role": "system", "content": system}, *decoded]


def without_strictness(tool: Any) -> Any:
    """A tool without `strict` and without the schema's `$schema`, which some servers refuse."""
    if not (isinstance(tool, dict) and isinstance(function := tool.get("function"), dict)):
        return tool
    function = {name: value for name, value in function.items() if name != "strict"}
    if isinstance(parameters := function.get("parameters"), dict):
        function["parameters"] = {name: value for name, value in parameters.items() if name != "$schema"}
    return {**tool, "function": function}
