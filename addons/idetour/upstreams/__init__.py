"""How to speak to a kind of upstream, through a waist of one method (`transport.py`)."""

from dataclasses import dataclass, field

from idetour.profile import KnownModel, Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams import anthropic, openai
from idetour.upstreams.anthropic import Translating
from idetour.upstreams.demo import Demo
from idetour.upstreams.transport import Outgoing, Pool, Transport
from idetour.wire.chat import ChatRequest
from idetour.wire.messages import MessagesRequest


def prepare(
    request: ChatRequest,
    *,
    target: Target,
    upstream: Upstream,
    model: Model | None,
    known: KnownModel | None,
    key: Secret | None,
) -> Outgoing:
    """The whole request as the upstream wants it. Raises BadRequest."""
    if upstream.speaks != "anthropic" and isinstance(request, MessagesRequest) and request.refusal:
        raise request.refusal
    made = anthropic.prepare if upstream.speaks == "anthropic" else openai.prepare
    return made(request, target=target, upstream=upstream, model=model, known=known, key=key)


@dataclass(slots=True)
class Transports:
    """Which transport reaches an upstream: the pool, but for the scripted demo. What comes back is Chat."""

    pool: Pool
    demo: Demo = field(default_factory=Demo)

    def to(self, upstream: Upstream) -> Transport:
        if upstream.speaks == "demo":
            return self.demo
        return Translating(self.pool) if upstream.speaks == "anthropic" else self.pool
