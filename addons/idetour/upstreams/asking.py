"""One request, and whom it is for: what every way of speaking to an upstream begins with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from idetour.profile import KnownModel, Manners, Model, Target, Upstream
from idetour.secret import Secret
from idetour.upstreams.adapt import adapt, clamp, output_limits, stated
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, raw
from idetour.wire.messages import MessagesRequest
from idetour.wire.raw import Fields

FIRST_BYTE_SECONDS = 60.0
THINKING_SECONDS = 300.0  # some think for minutes before they say a word
WHOLE_SECONDS = 600.0  # an answer that is not streamed comes at once, when it is complete


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What is asked, of whom, and with which key."""

    request: chat.ChatRequest
    target: Target
    upstream: Upstream
    model: Model | None
    known: KnownModel | None
    key: Secret | None

    @cached_property
    def manners(self) -> Manners:
        """Those of the model, over those of its upstream."""
        return self.known.manners.over(self.upstream.manners) if self.known else self.upstream.manners

    @property
    def stream(self) -> bool:
        """How the upstream is asked, which need not be how the client asks."""
        return self.manners.stream == "only" or (self.request.stream and self.manners.stream != "never")

    @property
    def first_byte(self) -> float:
        """Seconds until the answer has to begin."""
        if not self.stream:
            return WHOLE_SECONDS
        thinks = self.known is not None and self.known.thinking is not None
        return self.manners.first_byte or (THINKING_SECONDS if thinks else FIRST_BYTE_SECONDS)

    def adapted(self, guessed: KnownModel | None = None) -> Fields:
        """Chat's fields as the model takes them. `guessed` stands for what the catalog does not know. Raises BadRequest."""
        request, fields = self.request, self.request.fields
        if self.manners.cache_control and isinstance(request, MessagesRequest):
            fields = request.marked()
        return adapt(
            fields,
            manners=self.manners,
            model_id=self.target.model,
            model=self.model,
            known=self.known or guessed,
            stream=self.stream,
        )

    def native(self, fields: Fields, refused: frozenset[str] = frozenset()) -> Fields:
        """A body as its client wrote it for this very protocol, but for the model, and what the profile says.

        Of the fields that the model is known not to take, only those in `refused` are left out.
        """
        fields = {name: value for name, value in fields.items() if name not in self.manners.drop & refused}
        if self.model:
            fields = stated(self.model.defaults, self.manners) | fields
            fields |= stated(self.model.always, self.manners)
            fields = {name: value for name, value in fields.items() if name not in self.model.drop}
        clamp(fields, output_limits(self.known))
        return fields | {"model": raw.of(self.target.model), "stream": raw.of(self.stream)}

    def outgoing[T: Outgoing](
        self, url: str, fields: Fields, /, *, headers: Mapping[str, str], kind: type[T], **more: Any
    ) -> T:
        """The whole request, built afresh: nothing of the client's headers goes along."""
        return kind(
            url=url,
            headers=headers,
            body=chat.write(fields),
            proxy=self.upstream.proxy,
            ca=self.upstream.ca,
            first_byte=self.first_byte,
            **more,
        )
