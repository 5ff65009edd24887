"""How to speak to a kind of upstream, through a waist of one method (`transport.py`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from idetour.profile import KnownModel, Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams import anthropic, embeddings, ollama, openai, qwen, responses
from idetour.upstreams.asking import Asking
from idetour.upstreams.demo import Demo
from idetour.upstreams.foreign import Translating
from idetour.upstreams.observed import Observe, Observed
from idetour.upstreams.transport import Outgoing, Pool, Transport
from idetour.wire.chat import ChatRequest, Translated
from idetour.wire.embeddings import EmbeddingsRequest
from idetour.wire.messages import MessagesRequest
from idetour.wire.responses import ResponsesAsked

WAYS: Mapping[str, Callable[[Asking], Outgoing]] = {
    "openai": openai.prepare,
    "anthropic": anthropic.prepare,
    "responses": responses.prepare,
    "ollama": ollama.prepare,
    "demo": openai.prepare,
}
OWN: Mapping[str, type[Translated]] = {"anthropic": MessagesRequest, "responses": ResponsesAsked}


def is_own(request: ChatRequest, upstream: Upstream) -> TypeGuard[Translated]:
    """Whether its client wrote the request in the very protocol that the upstream speaks."""
    return isinstance(request, OWN.get(upstream.speaks, ()))


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
    asking = Asking(request=request, target=target, upstream=upstream, model=model, known=known, key=key)
    if isinstance(request, EmbeddingsRequest):
        return embeddings.prepare(asking)
    if isinstance(request, Translated) and request.refusal and not is_own(request, upstream):
        raise request.refusal
    return qwen.prepare(asking) if upstream.login == "qwen" else WAYS[upstream.speaks](asking)


@dataclass(slots=True)
class Transports:
    """Which transport reaches an upstream: the pool, but for the scripted demo. What comes back is Chat."""

    pool: Pool
    demo: Demo = field(default_factory=Demo)
    observe: Observe | None = None  # told of each attempt at a request

    def to(self, upstream: Upstream, cause: str = "") -> Transport:
        """`cause` is the id of the request that is answered; nobody observes what is asked without one."""
        scripted = upstream.speaks == "demo"
        way: Transport = self.demo if scripted else self.pool
        if cause and self.observe is not None:
            way = Observed(way, self.observe, cause)
        return way if scripted else Translating(way)
