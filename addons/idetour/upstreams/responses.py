"""Speak OpenAI's Responses to upstreams that want it: some models are served by nothing else.

A request is prepared as for any other upstream, in Chat's fields and by the
catalog, and translated last. One that came as Responses goes on as it came, but
for the model, for what idetour keeps itself, and for what the profile says.
"""

import re
from functools import partial

from idetour.profile import KnownModel, Target
from idetour.profile.build import thinking
from idetour.upstreams import openai
from idetour.upstreams.adapt import clamp, output_limits
from idetour.upstreams.asking import Asking
from idetour.upstreams.foreign import Foreign
from idetour.wire import responses_up
from idetour.wire.responses import ResponsesAsked
from idetour.wire.responses_native import native
from idetour.wire.responses_up_stream import ChatStream
from idetour.wire.responses_up_whole import completion

SAMPLING = frozenset({"temperature", "top_p", "top_logprobs"})
# Models of OpenAI's that do not reason: they refuse an effort, and have nothing to seal.
PLAIN = re.compile(r"chatgpt|gpt-(?:3|4)|gpt-[\w.]+-chat")
# How a model that the catalog does not know is asked to think.
EFFORT = thinking({"on": {"reasoning_effort": "$effort"}, "max": {"reasoning_effort": "xhigh"}})
NONE = thinking({})


def prepare(asking: Asking) -> Foreign:
    """Raises BadRequest."""
    request, reasons = asking.request, not PLAIN.match(asking.target.model)
    if own := isinstance(request, ResponsesAsked):
        fields = asking.native(native(request, sealed=reasons), SAMPLING)
    else:
        guess = guessed(asking.target, reasons=reasons)
        fields = responses_up.write(asking.adapted(guess), sealed=reasons)
    limits = output_limits(asking.known)
    clamp(fields, {"max_output_tokens": limits["max_tokens"]} if limits else {})
    return asking.outgoing(
        openai.address(asking.upstream, "responses"),
        fields,
        headers=openai.headers(asking.upstream, asking.key, stream=asking.stream),
        kind=Foreign,
        machine=partial(ChatStream, carry=own, whole=not request.stream),
        whole=partial(completion, carry=own),
    )


def guessed(target: Target, *, reasons: bool) -> KnownModel:
    """What is taken to be so of a model that the catalog does not know."""
    return KnownModel(target=target, title=target.model, thinking=EFFORT if reasons else NONE)
