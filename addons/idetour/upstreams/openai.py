"""Speak to everything that offers Chat Completions: most upstreams, told apart by data alone."""

from collections.abc import Mapping

from idetour.profile import KnownModel, Manners, Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams.adapt import adapt
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat

FIRST_BYTE_SECONDS = 60.0
THINKING_SECONDS = 300.0  # some think for minutes before they say a word
WHOLE_SECONDS = 600.0  # an answer that is not streamed comes at once, when it is complete


def prepare(
    request: chat.ChatRequest,
    *,
    target: Target,
    upstream: Upstream,
    model: Model | None,
    known: KnownModel | None,
    key: Secret | None,
) -> Outgoing:
    """The whole request, built afresh: nothing of the client's headers goes along."""
    manners = known.manners.over(upstream.manners) if known else upstream.manners
    stream = manners.stream == "only" or (request.stream and manners.stream != "never")
    fields = adapt(
        request.fields, manners=manners, model_id=target.model, model=model, known=known, stream=stream
    )
    return Outgoing(
        url=address(upstream),
        headers=headers(upstream, key, stream=stream),
        body=chat.write(fields),
        proxy=upstream.proxy,
        ca=upstream.ca,
        first_byte=patience(manners, known) if stream else WHOLE_SECONDS,
    )


def patience(manners: Manners, known: KnownModel | None) -> float:
    """Seconds until a stream has to begin."""
    return manners.first_byte or (THINKING_SECONDS if known and known.thinking else FIRST_BYTE_SECONDS)


def address(upstream: Upstream) -> str:
    return f"{upstream.url}/chat/completions"


def headers(upstream: Upstream, key: Secret | None, *, stream: bool) -> Mapping[str, str]:
    """All that goes along but Host, Via and Content-Length. The profile's own headers win over ours, not over the key."""
    made = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",  # a compressed stream arrives in lumps, or only at its end
        "user-agent": "idetour",
        **{name.lower(): value for name, value in upstream.headers.items()},
    }
    if key is not None:
        made["authorization"] = f"Bearer {key.reveal()}"
    return made
