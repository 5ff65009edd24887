"""One request, and whom it is for: what every way of speaking to an upstream begins with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from idetour.profile import KnownModel, Manners, Model, Target, Upstream, layered
from idetour.secret import Secret
from idetour.upstreams.adapt import adapt, clamp, output_limits, stated
from idetour.upstreams.changes import FROM_CHAT, INTO_CHAT, SPEAKS, Changes
from idetour.upstreams.transport import Outgoing
from idetour.wire import chat, raw
from idetour.wire.messages import MessagesRequest
from idetour.wire.raw import Fields
from idetour.wire.responses import ResponsesAsked

FIRST_BYTE_SECONDS = 60.0
THINKING_SECONDS = 300.0  # some think for minutes before they say a word
WHOLE_SECONDS = 600.0  # an answer that is not streamed comes at once, when it is complete

SPOKEN: Mapping[type, str] = {MessagesRequest: "messages", ResponsesAsked: "responses"}  # by clients


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
        """The profile's word on the model, over the catalog's, over those of its upstream."""
        return layered(self.model, self.known, self.upstream)

    @cached_property
    def changes(self) -> Changes:
        """What is changed in the request, as it is fitted."""
        return Changes(self.target.upstream)

    @property
    def protocol(self) -> str:
        """What the upstream speaks, as clients' protocols are called."""
        return SPEAKS.get(self.upstream.speaks, self.upstream.speaks)

    @property
    def stream(self) -> bool:
        """How the upstream is asked, which need not be how the client asks."""
        live = self.request.live and self.manners.usage is not False  # the client is to hear what it cost
        wanted = self.request.stream or live
        return self.manners.stream == "only" or (wanted and self.manners.stream != "never")

    @property
    def first_byte(self) -> float:
        """Seconds until the answer has to begin."""
        if not self.stream or self.request.live:
            return WHOLE_SECONDS
        thinks = self.known is not None and self.known.thinking is not None
        return self.manners.first_byte or (THINKING_SECONDS if thinks else FIRST_BYTE_SECONDS)

    def adapted(self, guessed: KnownModel | None = None) -> Fields:
        """Chat's fields as the model takes them. `guessed` stands for what the catalog does not know. Raises BadRequest."""
        request, fields = self.request, self.request.fields
        if self.manners.cache_control and isinstance(request, MessagesRequest):
            fields = request.marked()
        self._translated(fields)
        return adapt(
            fields,
            manners=self.manners,
            model_id=self.target.model,
            model=self.model,
            known=self.known or guessed,
            stream=self.stream,
            changes=self.changes,
        )

    def _translated(self, fields: Fields) -> None:
        """Tell of a translation that lies between the client and the upstream, and of what the client's cost."""
        request, spoken = self.request, SPOKEN.get(type(self.request), "chat")
        if isinstance(request, chat.Translated):
            self.changes.begin(request.native)
            self.changes.translated(fields, otherwise=INTO_CHAT[spoken], why="chat: speaks")
        if spoken != self.protocol:
            self.changes.tell(f"protocol {spoken} → {self.protocol}", f"{self.target.upstream}: speaks")

    def native(self, fields: Fields, refused: frozenset[str] = frozenset()) -> Fields:
        """A body as its client wrote it for this very protocol, but for the model, and what the profile says.

        Of the fields that the model is known not to take, only those in `refused` are left out.
        """
        changes, model = self.changes, self.model
        changes.begin(self.request.native if isinstance(self.request, chat.Translated) else fields)
        changes.note(fields, "idetour: store")
        fields = {name: value for name, value in fields.items() if name not in self.manners.drop & refused}
        changes.note(fields, f"{changes.upstream}: drop")
        if model:
            fields = stated(model.defaults, self.manners) | fields
            changes.note(fields, f"{model.name}: with")
            fields |= stated(model.always, self.manners)
            changes.note(fields, f"{model.name}: always")
            fields = {name: value for name, value in fields.items() if name not in model.drop}
            changes.note(fields, f"{model.name}: drop")
        clamp(fields, output_limits(self.known))
        changes.note(fields, "catalog: output")
        fields |= {"model": raw.of(self.target.model), "stream": raw.of(self.stream)}
        changes.note(fields, "")
        return fields

    def outgoing[T: Outgoing](
        self, url: str, fields: Fields, /, *, headers: Mapping[str, str], kind: type[T], **more: Any
    ) -> T:
        """The whole request, built afresh: nothing of the client's headers goes along."""
        self._finish(fields)
        return kind(
            url=url,
            headers=headers,
            body=chat.write(fields),
            proxy=self.upstream.proxy,
            ca=self.upstream.ca,
            first_byte=self.first_byte,
            changed=self.changes.told,
            **more,
        )

    def _finish(self, fields: Fields) -> None:
        """Tell of what the upstream's protocol did to the fields, and of how it is asked."""
        who = self.target.upstream
        if otherwise := FROM_CHAT.get(self.protocol):
            self.changes.translated(fields, otherwise=otherwise, why=f"{who}: speaks")
        else:
            self.changes.note(fields, f"{who}: {'login' if self.upstream.login else 'speaks'}")
        if self.request.stream != self.stream:
            self.changes.tell(
                f"stream {str(self.request.stream).lower()} → {str(self.stream).lower()}", f"{who}: stream"
            )
        if "stream_options" in fields and not self.request.include_usage:
            self.changes.tell("stream_options added", f"{who}: usage")
