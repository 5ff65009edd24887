"""Which conversation a request belongs to, so that what was decided for it once can be kept.

A client that names its session is believed. For the others, the system prompt,
the tools and the first thing the user said are the same in every turn of a
conversation and seldom in two.
"""

import hashlib
from dataclasses import dataclass

from idetour.routes.asked import Asked
from idetour.wire import raw, turns

HEADERS = ("x-session-id", "session_id", "session-id", "x-claude-code-session-id")
FIELDS = ("prompt_cache_key", "conversation", "previous_response_id")
METADATA = ("session_id", "user_id")


@dataclass(frozen=True, slots=True)
class Session:
    """`key` is 32 hexadecimal digits, the same for every turn; `origin` says for people where it is from."""

    origin: str
    key: str


def of(asked: Asked) -> Session:
    """The request's conversation. Raises BadRequest where its messages cannot be read."""
    origin, value = named(asked) or ("system prompt, tools and first user message", beginning(asked))
    return Session(origin, hashlib.sha256(f"{origin}\0{value}".encode("utf-8", "replace")).hexdigest()[:32])


def key(asked: Asked) -> str:
    """The key alone: what affinity and the memory of choices are sorted by."""
    return asked.session.key


def named(asked: Asked) -> tuple[str, str] | None:
    """The session as the client names it, and where."""
    fields = asked.request.fields
    for header in HEADERS:
        if value := asked.headers.get(header):
            return f"header {header}", value
    for field in FIELDS:
        if value := turns.string(fields.get(field, raw.NULL)):
            return field, value
    for field, stated in turns.any_members(fields.get("metadata", raw.NULL)).items():
        if field in METADATA and (value := turns.string(stated)):
            return f"metadata.{field}", value
    user = turns.string(fields.get("user", raw.NULL))
    return ("user", user) if user else None


def beginning(asked: Asked) -> str:
    """What every turn of one conversation begins with."""
    first = next((turns.text(turn.content) for turn in asked.turns if turn.role == "user"), "")
    return "\0".join([asked.system, *sorted(asked.tools), first])
