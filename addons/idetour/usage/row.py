"""A request and its attempts as they are kept and shown: what happened, never what was said."""

from dataclasses import dataclass
from typing import Literal

from idetour.wire.usage import Usage

type Counted = Literal["reported", "estimate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one target. `began` and `ended` are seconds after the request came."""

    n: int  # from 1
    target: str
    key: str = ""  # as it may be shown: `…1234`
    began: float
    ended: float
    outcome: Literal["answered", "failed", "skipped"]  # skipped: there was no key to ask with
    status: int | None = None
    error: str | None = None
    rest: float | None = None  # seconds for which the upstream asked to be left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request. `began` is seconds since 1970, other times are seconds; None is unknown, never 0."""

    id: str
    began: float
    client: str = ""  # the program that asked, as far as its user agent tells
    protocol: str = "chat"  # chat, messages, responses, embeddings, script, or passthrough
    path: str = ""
    door: str = "direct"  # or the host that was intercepted
    asked: str
    stream: bool = False
    target: str | None = None
    key: str = ""
    outcome: str = "running"
    status: int = 0
    error: str | None = None
    tries: int = 0
    tokens: Usage | None = None
    counted: Counted | None = None  # who counted `tokens`: the upstream, or we
    estimate: int | None = None  # tokens of the request, before it was sent
    first_token: float | None = None
    total: float | None = None
    cost: float | None = None
    currency: str | None = None
    changed: tuple[str, ...] = ()  # what was changed in the request so that the upstream takes it

    @property
    def operation(self) -> str:
        """What was wanted of the model, in OpenTelemetry's words."""
        return "embeddings" if self.protocol == "embeddings" else "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """What was said, where it is kept on demand. `cut`: at least one of them was longer than is kept."""

    request: str
    answer: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """All that is written when a request has ended."""

    row: Row
    attempts: tuple[Attempt, ...] = ()
    bodies: Bodies | None = None
