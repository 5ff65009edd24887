"""Speak to Qwen's portal, where a login is asked instead of a key: Chat Completions with manners of its own.

System prompts have to be lists of parts there, what the user says plain text
(`flatten`, in the catalog), and some model names are older than their models.
"""

import platform

from msgspec import Raw

from idetour import __version__
from idetour.upstreams import openai
from idetour.upstreams.adapt import objects
from idetour.upstreams.asking import Asking
from idetour.upstreams.transport import Outgoing
from idetour.wire import raw

ALIASES = {  # names that tools ask for → those that the portal knows
    "qwen3-coder-plus": "coder-model",
    "qwen3-coder-flash": "coder-model",
    "qwen3-vl-plus": "vision-model",
    "qwen-vl-max": "vision-model",
}
AGENT = f"idetour/{__version__} ({platform.system().lower()}; {platform.machine()})"
HEADERS = {
    "x-dashscope-authtype": "qwen-oauth",
    "x-dashscope-cachecontrol": "enable",
    "x-dashscope-useragent": AGENT,
    "user-agent": AGENT,
}
SYSTEM = Raw(b'"system"')


def prepare(asking: Asking) -> Outgoing:
    """Raises BadRequest."""
    upstream, model = asking.upstream, asking.target.model
    fields = asking.adapted()
    fields |= {"model": raw.of(ALIASES.get(model, model)), "messages": in_parts(fields["messages"])}
    own = {name.lower(): value for name, value in upstream.headers.items()}  # the profile's own win
    headers = {**openai.headers(upstream, asking.key, stream=asking.stream), **HEADERS, **own}
    return asking.outgoing(openai.address(upstream), fields, headers=headers, kind=Outgoing)


def in_parts(messages: Raw) -> Raw:
    """The messages, the system prompt as a list of parts of which the portal remembers the beginning."""
    conversation = objects(messages, "messages")
    if not any(message.get("role") == SYSTEM for message in conversation):
        return messages
    for message in conversation:
        content = message.get("content", raw.NULL)
        if message.get("role") == SYSTEM and raw.is_text(content):
            part = {"type": Raw(b'"text"'), "text": content, "cache_control": raw.of({"type": "ephemeral"})}
            message["content"] = raw.of([part])
    return raw.of(conversation)
