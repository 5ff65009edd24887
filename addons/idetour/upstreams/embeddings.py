"""Ask an upstream for embeddings, in OpenAI's words, which are those of all that have them."""

from idetour.errors import BadRequest
from idetour.upstreams import openai
from idetour.upstreams.asking import Asking
from idetour.upstreams.foreign import Foreign
from idetour.wire import embeddings
from idetour.wire.embeddings import EmbeddingsRequest

WITHOUT = ("anthropic", "demo")  # protocols that have no such thing


def prepare(asking: Asking) -> Foreign:
    """The request as it came, but for the model, and what the profile says. Raises BadRequest."""
    request, upstream = asking.request, asking.upstream
    if upstream.speaks in WITHOUT:
        raise BadRequest(
            f"{asking.target} has no embeddings: name a model of another upstream.", param="model"
        )
    assert isinstance(request, EmbeddingsRequest)
    fields = asking.native(request.native)
    del fields["stream"]
    return asking.outgoing(
        openai.address(upstream, "embeddings"),
        fields,
        headers=openai.headers(upstream, asking.key, stream=False),
        kind=Foreign,
        machine=Untouched,
        whole=embeddings.completion,
    )


class Untouched:
    """An event stream, where there can be none: the gateway judges it."""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""
