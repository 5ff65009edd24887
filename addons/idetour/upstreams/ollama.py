"""Speak Ollama's own protocol, for what its `/v1` ignores: the window, `keep_alive`, a switch for thinking.

Ollama cuts off what does not fit its window, from the front and without a
word, and on small graphics cards the window is 4096 tokens unless somebody
says otherwise. So each request that needs more brings a window with it. A
model that is loaded already is never loaded anew for a smaller one.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from idetour.profile import KnownModel, Target, Upstream
from idetour.profile.build import thinking
from idetour.upstreams import openai
from idetour.upstreams.asking import Asking
from idetour.upstreams.foreign import Foreign, whole
from idetour.upstreams.transport import Outgoing, Transport, TransportError
from idetour.wire import chat, estimate, ollama, raw
from idetour.wire.ollama_answer import ChatStream, completion
from idetour.wire.raw import Fields

# Tokens. The least window that Ollama gives; the first step above it; the room for an answer, at least and at most.
OWN_WINDOW, FIRST_WINDOW = 4096, 8192
ROOM, MOST_ROOM = 2048, 8192
MARGIN = 1.2  # times the estimate, which errs by less
LOOK_SECONDS = 1.0  # to say which models are loaded
# How a model that the catalog does not know is asked to think.
THINK = thinking({"off": {"think": False}, "on": {"think": "$effort"}, "max": {"think": "high"}})


def prepare(asking: Asking) -> "Windowed":
    """Raises BadRequest."""
    fields = ollama.write(asking.adapted(guessed(asking.target)))
    stated = ollama.number(fields, "num_ctx") is not None
    return asking.outgoing(
        address(asking.upstream, "chat"),
        fields,
        headers=openai.headers(asking.upstream, asking.key, stream=asking.stream),
        kind=Windowed,
        machine=ChatStream,
        whole=completion,
        needs=0 if stated else needed(asking, fields),
        most=asking.known.context if asking.known else None,
        loaded=address(asking.upstream, "ps"),
        model=asking.target.model,
        upstream=asking.target.upstream,
    )


def address(upstream: Upstream, what: str) -> str:
    """Some write the base URL with `/v1`, as they do for other clients of Ollama."""
    return f"{upstream.url.removesuffix('/v1')}/api/{what}"


def guessed(target: Target) -> KnownModel:
    """What is taken to be so of a model that the catalog does not know."""
    return KnownModel(target=target, title=target.model, thinking=THINK)


def needed(asking: Asking, fields: Fields) -> int:
    """Tokens for the request and its answer."""
    images = bytes(fields["messages"]).count(b'"images":[')
    asked = estimate.tokens(asking.request.fields, images=images)
    answer = ollama.number(fields, "num_predict") or ROOM
    return round(asked * MARGIN) + max(ROOM, min(answer, MOST_ROOM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed(Foreign):
    """A request that needs a window of so many tokens (0: somebody has said which)."""

    needs: int
    most: int | None
    loaded: str  # where Ollama says which models it has loaded
    model: str
    upstream: str

    async def ready(self, below: Transport) -> Outgoing:
        """With the window of the model as it is loaded, if that is large enough, else with one that is."""
        if not self.needs:
            return self
        size = window(self.needs, await self._has(below), self.most)
        if size is None or self.body is None:
            return self
        self.changed.append(f"options.num_ctx {size} added ({self.upstream}: window)")
        return replace(self, body=chat.write(ollama.sized(raw.fields(self.body), size)))

    async def _has(self, below: Transport) -> int | None:
        """The window that the model is loaded with; None where it is not, or nobody says so in time."""
        look = Outgoing(
            method="GET",
            url=self.loaded,
            headers={name: self.headers[name] for name in ("authorization",) if name in self.headers},
            body=None,
            proxy=self.proxy,
            ca=self.ca,
            first_byte=LOOK_SECONDS,
        )
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                incoming = await below.send(look)
                try:
                    body = await whole(incoming)
                finally:
                    incoming.close()
            return length(msgspec.json.decode(body), self.model)
        except (TimeoutError, TransportError, ValueError):
            return None  # the request itself will show what is wrong


def length(said: Any, model: str) -> int | None:
    """What a list of loaded models says of one. A name without a tag means `:latest`."""
    models = said.get("models") if isinstance(said, dict) else None
    named = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
    for each in models if isinstance(models, list) else ():
        if isinstance(each, dict) and named in (each.get("name"), each.get("model")):
            size = each.get("context_length")
            return size if isinstance(size, int) and size > 0 else None
    return None


def window(needs: int, has: int | None, most: int | None) -> int | None:
    """The window to ask for; None: Ollama's own will do. It doubles, so that a conversation seldom outgrows it."""
    if has is not None and has >= min(needs, most or needs):
        return has
    if needs <= OWN_WINDOW and has is None:
        return None
    size = FIRST_WINDOW
    while size < needs:
        size *= 2
    return min(size, most or size)
