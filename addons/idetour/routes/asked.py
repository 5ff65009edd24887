"""What a rule may look at: one request, decoded no further than the rule needs.

Everything here is computed when it is first wanted. A profile without
conditions costs nothing, and `says` on a conversation of megabytes decodes one
message of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from idetour.routes import spoken
from idetour.wire import estimate, raw, turns
from idetour.wire.chat import ChatRequest
from idetour.wire.turns import Turn

if TYPE_CHECKING:
    from idetour.routes.session import Session

SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a word of a condition says of a request, and why, for people: "about 1,200 tokens"."""

    holds: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request and how it came. Its properties raise BadRequest where `messages` cannot be read."""

    request: ChatRequest
    path: str = ""  # as the client asked for it
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # names in lower case
    access: str = ""  # the access key that was presented, as it may be shown: `…1234`
    at: datetime = field(default_factory=datetime.now)  # by this machine's clock and zone

    @cached_property
    def turns(self) -> list[Turn]:
        return turns.turns(self.request.fields)

    @cached_property
    def system(self) -> str:
        """The system prompt."""
        return "\n".join(turns.text(turn.content) for turn in self.turns if turn.role in SYSTEM)

    @cached_property
    def _newest(self) -> tuple[int, str, str]:
        """The newest message in which a user says something: its place, the whole text, and what was said."""
        for place in range(len(self.turns) - 1, -1, -1):
            turn = self.turns[place]
            whole = turns.text(turn.content) if turn.role == "user" else ""
            if said := spoken.said(whole):
                return place, whole, said
        return -1, "", ""

    @property
    def text(self) -> str:
        """What the user said last: without what the IDE wrapped around it, at most `spoken.LONGEST` characters."""
        return self._newest[2]

    @property
    def wrapped(self) -> str:
        """The same message with the IDE's words around it, which tell in which mode it is."""
        return self._newest[1]

    @property
    def follows(self) -> bool:
        """Whether this is not the user's turn: tool results, or an answer to be continued, come last."""
        return self._newest[0] != len(self.turns) - 1

    @cached_property
    def session(self) -> "Session":
        from idetour.routes import session  # which looks at what is asked

        return session.of(self)

    @cached_property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools that the model may call."""
        return turns.tools(self.request.fields)

    @cached_property
    def images(self) -> int:
        return sum(turns.images(turn.content) for turn in self.turns)

    @cached_property
    def tokens(self) -> int:
        """About how many tokens all of it is. Megabytes are not decoded for it."""
        body = bytes(self.request.fields.get("messages", raw.EMPTY_LIST))
        images = self.images if b"image" in body else 0
        return estimate.tokens(self.request.fields, messages=body.count(b'"role"'), images=images)
